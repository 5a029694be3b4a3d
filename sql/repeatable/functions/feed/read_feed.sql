-- The events of all aggregates after a cursor, in the order of the feed, at most max_count (NULL = all). The cursor to
-- go on from is (transaction_id, global_position) of the last row. No row: there is nothing new yet. read_feed_after() is
-- the same with a cursor as text.
--
-- It never skips and never repeats an event, while others append. A page is a stretch, without a hole, of what lies
-- below a horizon, and that is final (docs/feed.md). The order (transaction_id, global_position) is total, because
-- positions are unique. It is the order of one index, so a cursor can lie between any two entries, even inside a
-- transaction. A later event never sorts before an event that was below somebody's horizon. Within an aggregate the
-- order is that of the versions.
--
-- A page has two parts, one after the other; PostgreSQL runs the branches of a UNION ALL in their order, and the last ones
-- only if the limit is not reached yet. The first part is what lies below feed_horizon(): events and horizon are of one
-- snapshot, that of the statement, because feed_horizon() is STABLE. Only if that is not a whole page, scan_feed() goes
-- on from there, with snapshots of its own and a horizon that waits for appends only. So a row may be newer than the
-- statement: do not join the rows with tables in the same statement, it might not see them yet.
--
-- With event_types or aggregate_types, scan_feed() does it all, and one call looks at 10,000 events (or at max_count, if
-- that is more). The last row may then be a cursor without an event (event_id IS NULL).
--
-- It has neither SET nor SECURITY DEFINER, and it is STABLE, so the planner inlines it, and a full page costs what it costs
-- to read the table itself (a quarter more if it were not inlined). So the caller needs SELECT on the events, which the
-- application has.
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
    -- Checked where the horizon is computed, which is once: as a condition of the page it would cost a tenth of it.
    WITH horizon AS MATERIALIZED (
        SELECT event_store.feed_horizon() AS number
         WHERE event_store.check_place(read_feed.after_transaction_id, read_feed.after_position))
    SELECT page.*
      FROM ((SELECT e.*
               FROM event_store.events e
              WHERE read_feed.event_types IS NULL AND read_feed.aggregate_types IS NULL
                AND (e.transaction_id, e.global_position) > (read_feed.after_transaction_id, read_feed.after_position)
                AND e.transaction_id < (SELECT h.number FROM horizon h)
              ORDER BY e.transaction_id, e.global_position
              -- Again, because the planner takes the outer limit into no branch: it might sort the whole rest of the feed
              -- for a page. It also finds the page as cheap as it is, and so keeps the plan of a prepared statement.
              LIMIT read_feed.max_count)
            UNION ALL
            SELECT s.*
              FROM horizon h
             CROSS JOIN LATERAL event_store.scan_feed(
                        -- From the horizon on, if the cursor is not above it. Positions begin at 1. What is one below the
                        -- horizon is no place in the feed if a fork begins there.
                        greatest(read_feed.after_transaction_id, h.number),
                        CASE WHEN read_feed.after_transaction_id < h.number THEN 0 ELSE read_feed.after_position END,
                        read_feed.max_count, NULL, NULL) s
             WHERE read_feed.event_types IS NULL AND read_feed.aggregate_types IS NULL
               -- If something is there at all. What is committed after the statement began comes with the next call.
               AND (SELECT e.transaction_id >= h.number
                           AND (e.transaction_id, e.global_position)
                               > (read_feed.after_transaction_id, read_feed.after_position)
                      FROM event_store.events e
                     ORDER BY e.transaction_id DESC, e.global_position DESC
                     LIMIT 1)
            UNION ALL
            SELECT s.*
              FROM event_store.scan_feed(read_feed.after_transaction_id, read_feed.after_position, read_feed.max_count,
                                         read_feed.event_types, read_feed.aggregate_types) s
             WHERE read_feed.event_types IS NOT NULL OR read_feed.aggregate_types IS NOT NULL) page
     LIMIT read_feed.max_count
$$;
