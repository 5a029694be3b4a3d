-- How far a subscription is behind what can be read: one row for each partition, and one with partition NULL for all.
-- events_behind: events that are still to be handled; seconds_behind: the age of the oldest of them.
--
-- The call is bounded: it looks at 100,000 events for the whole subscription. If there are more, `exact` is false, and
-- the numbers are estimated from these. No row: unknown subscription. SE012 the store was restored into another
-- cluster.
CREATE OR REPLACE FUNCTION event_store.subscription_lag(subscription_name text)
RETURNS TABLE (
    partition      integer,
    events_behind  bigint,
    seconds_behind double precision,
    exact          boolean,
    consumer       text,
    leased_until   timestamptz
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- enable_sort as in scan_feed(). The few rows at the end are sorted nevertheless, and that sort gets an artificially
-- high cost, which must not trigger a JIT compilation.
SET enable_sort = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    horizon  CONSTANT xid8 := event_store.next_horizon();
    feed_end CONSTANT record := event_store.feed_end();
BEGIN
    RETURN QUERY
    WITH counted AS (
        SELECT p.partition, p.consumer::text AS consumer, p.leased_until,
               c.fitting + CASE WHEN c.seen < 100000 / s.partitions THEN 0
                                ELSE event_store.positions_between(c.seen_to, feed_end.global_position) * c.fitting / c.seen END AS events_behind,
               CASE WHEN c.fitting > 0 THEN greatest(extract(epoch FROM clock_timestamp() - c.oldest), 0)
                    WHEN c.seen < 100000 / s.partitions THEN 0
                    ELSE greatest(extract(epoch FROM clock_timestamp() - c.newest_seen), 0) END::double precision AS seconds_behind,
               c.seen < 100000 / s.partitions AS exact
          FROM event_store.subscriptions s
          JOIN event_store.subscription_partitions p USING (subscription_name)
         CROSS JOIN LATERAL (
               SELECT count(*) AS seen, max(e.global_position) AS seen_to, max(e.created_at) AS newest_seen,
                      count(*) FILTER (WHERE e.fits) AS fitting, min(e.created_at) FILTER (WHERE e.fits) AS oldest
                 FROM (SELECT e.global_position, e.created_at,
                              event_store.feed_filter(e.event_type, e.aggregate_type, e.aggregate_id, s.event_types,
                                                      s.aggregate_types, s.partitions, p.partition) AS fits
                         FROM event_store.events e
                        WHERE (e.transaction_id, e.global_position) > (p.transaction_id, p.global_position)
                          AND e.transaction_id < horizon
                        ORDER BY e.transaction_id, e.global_position
                        LIMIT 100000 / s.partitions) e) c
         WHERE s.subscription_name = subscription_lag.subscription_name::varchar
    )
    SELECT c.partition, c.events_behind, c.seconds_behind, c.exact, c.consumer, c.leased_until FROM counted c
    UNION ALL
    SELECT NULL, sum(c.events_behind)::bigint, max(c.seconds_behind), bool_and(c.exact), NULL, NULL
      FROM counted c
    HAVING count(*) > 0
    ORDER BY 1 NULLS LAST;
END
$$;
