-- The transactions that have published a bound of their number in the feed, as of now (pg_locks knows no snapshots).
--
-- upper: an id that is near those of now; keys and ids have 32 bits in pg_locks, and are widened to what is nearest to it.
-- first_id: the id of the transaction, NULL if it has none yet, or if it has ended meanwhile. Its lock is the transaction's
-- until the end, while that of a subtransaction's id is released where the savepoint is.
-- bound: its number is not below that. If the transaction had no id when it published, its number is first_id: that is not
-- below what it published. Otherwise first_id is below, and all that is known of the number is the published bound.
--
-- They are grouped by virtualtransaction and not by pid, because a transaction that is being prepared is here in parts, some
-- with the pid and some without. Anybody can take such a lock; that adds a bound, and takes none away.
--
-- The database is not looked up in pg_database, because that takes a lock in the table that all sessions share. So readers
-- go on when that is full.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. It is STABLE, so that the
-- planner inlines it; the locks are those of the moment nevertheless.
CREATE OR REPLACE FUNCTION event_store.published_bounds(upper bigint)
RETURNS TABLE (virtual_transaction text, pid integer, published bigint, first_id bigint, bound bigint)
LANGUAGE sql STABLE
AS $$
    WITH held AS MATERIALIZED (
        SELECT k.virtualtransaction, k.pid, k.locktype = 'advisory' AS is_bound,
               upper + ((CASE k.locktype WHEN 'advisory' THEN k.objid::bigint ELSE k.transactionid::text::bigint END
                         - upper) << 32 >> 32) AS id
          FROM pg_catalog.pg_locks k
         WHERE k.granted
           AND (k.locktype = 'transactionid' AND k.mode = 'ExclusiveLock'
                OR k.locktype = 'advisory' AND k.objsubid = 2 AND k.classid = event_store.bound_class()::oid
                   AND k.database = (SELECT a.datid FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a))
    )
    SELECT p.virtualtransaction, max(p.pid), p.id, min(h.id), greatest(min(h.id), p.id)
      FROM held p
      LEFT JOIN held h ON h.virtualtransaction = p.virtualtransaction AND NOT h.is_bound
     WHERE p.is_bound
     GROUP BY p.virtualtransaction, p.id
$$;
