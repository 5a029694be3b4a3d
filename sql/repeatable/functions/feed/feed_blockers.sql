-- The transactions that write, in any database of the cluster, the oldest first. The oldest one holds the feed back,
-- whatever it writes. Readers hold nothing back. A prepared transaction has no pid, but a name for ROLLBACK PREPARED.
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
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A lock has only the lower 32 bits of an id. The upper 32 bits are those that bring the id nearest to the next id.
    WITH next AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS id),
    writing AS (
        -- A subtransaction has a lock of its own, and a later id than its transaction: hence min().
        SELECT k.pid, k.virtualtransaction,
               min(n.id + (k.transactionid::text::bigint - n.id % 4294967296 + 6442450944) % 4294967296 - 2147483648) AS id
          FROM pg_locks k CROSS JOIN next n
         WHERE k.locktype = 'transactionid' AND k.mode = 'ExclusiveLock' AND k.granted
         GROUP BY k.pid, k.virtualtransaction
    )
    SELECT w.id::text::xid8, w.pid, p.gid, extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared)),
           coalesce(a.datname, p.database), coalesce(a.usename, p.owner), a.application_name, a.state
      FROM writing w
      LEFT JOIN pg_stat_activity a ON a.pid = w.pid
      LEFT JOIN pg_prepared_xacts p ON w.pid IS NULL AND p.transaction::text::bigint = w.id % 4294967296
     ORDER BY w.id
$$;
