-- How many committed events cannot be read in the feed yet, because an append that began earlier is not committed yet, and
-- for how many seconds the oldest of them has been waiting. Counts no further than 10,000. feed_blockers() shows which
-- transactions they wait for.
--
-- SE012 the store was restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.feed_lag(OUT events_waiting bigint, OUT seconds_waiting double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    horizon CONSTANT xid8 := event_store.next_horizon();
BEGIN
    SELECT count(*), coalesce(greatest(extract(epoch FROM clock_timestamp() - min(e.created_at)), 0), 0)
      INTO feed_lag.events_waiting, feed_lag.seconds_waiting
      FROM (SELECT e.created_at
              FROM event_store.events e
             WHERE e.transaction_id >= horizon
             ORDER BY e.transaction_id, e.global_position
             LIMIT 10000) e;
END
$$;
