-- The events of some seals as lines of text: for each seal its line as in export_seals(), then its events in their
-- canonical form and in the feed's order. The result is a self-contained archive: verify_export() can check it, and so
-- can any program that computes SHA-256.
CREATE OR REPLACE FUNCTION event_store.export_events(from_seal bigint, to_seal bigint)
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.line
      FROM (SELECT s.seal, NULL::xid8 AS transaction_id, NULL::bigint AS global_position, event_store.export_line(s) AS line
              FROM event_store.seals s
             WHERE s.seal BETWEEN export_events.from_seal AND export_events.to_seal
             UNION ALL
            SELECT s.seal, e.transaction_id, e.global_position, event_store.event_line(e)
              FROM event_store.seals s
              JOIN event_store.events e
                ON (e.transaction_id, e.global_position) > (s.after_transaction_id, s.after_position)
               AND (e.transaction_id, e.global_position) <= (s.last_transaction_id, s.last_position)
             WHERE s.seal BETWEEN export_events.from_seal AND export_events.to_seal) l
     ORDER BY l.seal, l.transaction_id NULLS FIRST, l.global_position
$$;
