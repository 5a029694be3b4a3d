-- The transactions that have published a bound of their number in the feed, as of now (pg_locks knows no snapshots).
--
-- upper: an id that is near those of now; keys and ids have 32 bits in pg_locks, and are widened to what is nearest to it.
-- first_id: the id of the transaction, NULL if it has none yet, or if it has ended meanwhile.
-- bound: its number is not below that. It is the published bound, or the lowest of its ids from there on: the number is an
-- id that the transaction gets after it has published, so the ids that it has from there on cannot all be above it.
--
-- They are grouped by virtualtransaction and not by pid, because a transaction that is being prepared is here in parts, some
-- with the pid and some without. Anybody can take such a lock; that adds a bound, and takes none away.
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
                   AND k.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                      WHERE d.datname = pg_catalog.current_database()))
    )
    SELECT p.virtualtransaction, max(p.pid), p.id, min(h.id), coalesce(min(h.id) FILTER (WHERE h.id >= p.id), p.id)
      FROM held p
      LEFT JOIN held h ON h.virtualtransaction = p.virtualtransaction AND NOT h.is_bound
     WHERE p.is_bound
     GROUP BY p.virtualtransaction, p.id
$$;
