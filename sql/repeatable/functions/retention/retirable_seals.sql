-- The seals that may leave now, beginning with the first one that is not retired. A seal may leave if it is older than
-- the store's retention, and if all its events are older than the retention and than `before`. No row if there is none.
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
