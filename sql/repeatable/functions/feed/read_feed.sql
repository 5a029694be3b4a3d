-- The events of all aggregates after a cursor, in the order of the feed, at most max_count (NULL = all). The cursor to
-- go on from is (transaction_id, global_position) of the last row. No row: there is nothing new yet.
--
-- It never skips and never repeats an event, while others append. A page is a stretch, without a hole, of what lies
-- below feed_horizon(), and that is final (the reason is in its file). Events and horizon are taken from one snapshot,
-- because this is one statement and feed_horizon() is STABLE. The order (transaction_id, global_position) is total,
-- because positions are unique. It is the order of one index, so a cursor can lie between any two entries, even inside
-- a transaction. A later event never sorts before an event that was below somebody's horizon. Within an aggregate the
-- order is that of the versions.
--
-- With event_types or aggregate_types, one call looks at 10,000 events (or at max_count, if that is more). The last row
-- may then be a cursor without an event (event_id IS NULL): see scan_feed().
--
-- It has neither SET nor SECURITY DEFINER, so the planner inlines it, and a page costs what it costs to read the table
-- itself (a quarter more if it were not inlined). So the caller needs SELECT on the events, which the application has.
--
-- SE012 the store was restored into another cluster; SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.read_feed(
    after_transaction_id xid8 DEFAULT '0',
    after_position       bigint DEFAULT 0,
    max_count            integer DEFAULT 1000,
    event_types          text[] DEFAULT NULL,
    aggregate_types      text[] DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE sql STABLE ROWS 1000
AS $$
    (SELECT e.*
       FROM event_store.events e
      WHERE read_feed.event_types IS NULL AND read_feed.aggregate_types IS NULL
        AND (e.transaction_id, e.global_position) > (read_feed.after_transaction_id, read_feed.after_position)
        -- Inside of the subquery, which runs once: as a condition of its own it would cost a tenth of a page.
        AND e.transaction_id < (SELECT event_store.feed_horizon()
                                 WHERE event_store.check_place(read_feed.after_transaction_id, read_feed.after_position))
      ORDER BY e.transaction_id, e.global_position
      LIMIT read_feed.max_count)
    UNION ALL
    SELECT s.*
      FROM event_store.scan_feed(read_feed.after_transaction_id, read_feed.after_position, read_feed.max_count,
                                 read_feed.event_types, read_feed.aggregate_types) s
     WHERE read_feed.event_types IS NOT NULL OR read_feed.aggregate_types IS NOT NULL
$$;
