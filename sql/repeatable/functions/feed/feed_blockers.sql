-- The transactions that hold the feed back, the oldest number first: those that append and have not ended, in this database.
-- Readers hold nothing back, nor do transactions that write and do not append. A prepared transaction has no pid, but a
-- name for ROLLBACK PREPARED.
--
-- transaction_id: the transaction's, or a lower bound of it as long as it has none. As long as not every append publishes
-- (see complete_bounds()), they are all transactions that write, in any database. Readers under REPEATABLE READ and
-- SERIALIZABLE wait for all of these in any case.
--
-- The transactions come from pg_locks, which everybody may read. The other columns are what the caller may see in
-- pg_stat_activity: an operator sees everything; the application sees its own sessions, and of others only pid,
-- database and role. That is why this is not SECURITY DEFINER.
CREATE OR REPLACE FUNCTION event_store.feed_blockers()
RETURNS TABLE (
    transaction_id   xid8,
    pid              integer,
    prepared         text,
    seconds          double precision,
    database         name,
    role             name,
    application_name text,
    state            text
)
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A lock has only the lower 32 bits of an id. The upper 32 bits are those that bring the id nearest to the next id.
    WITH next AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS id),
    held AS MATERIALIZED (
        SELECT k.pid, k.virtualtransaction, k.locktype = 'advisory' AS is_bound,
               n.id + ((CASE k.locktype WHEN 'advisory' THEN k.objid::bigint ELSE k.transactionid::text::bigint END
                        - n.id) << 32 >> 32) AS id
          FROM pg_locks k CROSS JOIN next n
         WHERE k.granted
           AND (k.locktype = 'transactionid' AND k.mode = 'ExclusiveLock'
                OR k.locktype = 'advisory' AND k.objsubid = 2 AND k.classid = 1702259045
                   AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
    ),
    blocking AS (
        -- A subtransaction has a lock of its own, and a later id than its transaction: hence min().
        SELECT max(h.pid) AS pid, coalesce(min(h.id) FILTER (WHERE NOT h.is_bound), min(h.id)) AS id
          FROM held h
         GROUP BY h.virtualtransaction
        HAVING bool_or(h.is_bound) OR NOT (SELECT s.bounds_are_complete FROM event_store.settings s)
    )
    SELECT b.id::text::xid8, b.pid, p.gid, extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared)),
           coalesce(a.datname, p.database), coalesce(a.usename, p.owner), a.application_name, a.state
      FROM blocking b
      LEFT JOIN pg_stat_activity a ON a.pid = b.pid
      LEFT JOIN pg_prepared_xacts p ON b.pid IS NULL AND p.transaction::text::bigint = b.id % 4294967296
     ORDER BY b.id
$$;
