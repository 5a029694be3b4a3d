-- The seals that may leave now: all of their events are older than `before` and the store's retention, and so is the seal.
-- From the first one that is not retired; no row where there is none.
CREATE OR REPLACE FUNCTION event_store.retirable_seals(before timestamptz)
RETURNS TABLE (seal bigint, event_count integer)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
    WITH young AS MATERIALIZED (
        SELECT e.transaction_id, e.global_position
          FROM event_store.events e
         WHERE e.created_at >= least(before, clock_timestamp() - (SELECT s.retention FROM event_store.settings s))
         ORDER BY e.transaction_id, e.global_position
         LIMIT 1
    )
    SELECT s.seal, s.event_count
      FROM event_store.seals s
     WHERE s.seal > coalesce((SELECT max(r.to_seal) FROM event_store.retirements r), 0)
       AND s.sealed_at < clock_timestamp() - (SELECT t.retention FROM event_store.settings t)
       AND NOT EXISTS (SELECT FROM young y
                        WHERE (s.last_transaction_id, s.last_position) >= (y.transaction_id, y.global_position))
     ORDER BY s.seal
$$;
