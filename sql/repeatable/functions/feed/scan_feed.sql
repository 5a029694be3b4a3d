-- One bounded step through the feed, for readers that want only some of the events. It looks at 10,000 events after the
-- cursor (or at max_count, if that is more) and returns those that match, at most max_count, in the order of the feed.
-- Without a type and with one partition, it returns max_count events (NULL = all).
--
-- If the last event that it looked at does not match, one more row follows, with transaction_id and global_position,
-- and NULL everywhere else. So the last row is always the cursor to go on from, even if nothing matches for a million
-- events. No row at all means that the feed has no more events.
--
-- It is VOLATILE, so that the page has a later snapshot than the look of next_horizon(). So a row may be newer than the
-- statement that calls it.
--
-- The application reaches it through read_feed() and read_partition(). enable_sort is off so that a page is read in the
-- order of the index even if there are no statistics yet: otherwise the planner might sort the whole rest of the feed
-- for it. SE012 the store was restored into another cluster; SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.scan_feed(
    after_transaction_id xid8,
    after_position       bigint,
    max_count            integer,
    event_types          text[],
    aggregate_types      text[],
    partitions           integer DEFAULT 1,
    partition            integer DEFAULT 0
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    horizon  CONSTANT xid8    := event_store.next_horizon();
    is_all   CONSTANT boolean := scan_feed.event_types IS NULL AND scan_feed.aggregate_types IS NULL
                                 AND scan_feed.partitions = 1;
    max_scan CONSTANT integer := CASE WHEN is_all THEN scan_feed.max_count ELSE greatest(scan_feed.max_count, 10000) END;
    returned integer;
    mark     event_store.events;
BEGIN
    PERFORM event_store.check_place(scan_feed.after_transaction_id, scan_feed.after_position);
    -- The inner limit keeps the filter out of the index scan; the outer one ends the scan early.
    RETURN QUERY
    SELECT s.*
      FROM (SELECT e.*
              FROM event_store.events e
             WHERE (e.transaction_id, e.global_position) > (scan_feed.after_transaction_id, scan_feed.after_position)
               AND e.transaction_id < horizon
             ORDER BY e.transaction_id, e.global_position
             LIMIT max_scan) s
     WHERE event_store.feed_filter(s.event_type, s.aggregate_type, s.aggregate_id, scan_feed.event_types,
                                   scan_feed.aggregate_types, scan_feed.partitions, scan_feed.partition)
     ORDER BY s.transaction_id, s.global_position
     LIMIT scan_feed.max_count;
    GET DIAGNOSTICS returned = ROW_COUNT;
    IF is_all OR returned >= scan_feed.max_count THEN
        RETURN;
    END IF;

    -- The last event that was looked at: the one at the limit, or the last of the feed.
    SELECT e.transaction_id, e.global_position
      INTO mark.transaction_id, mark.global_position
      FROM event_store.events e
     WHERE (e.transaction_id, e.global_position) > (scan_feed.after_transaction_id, scan_feed.after_position)
       AND e.transaction_id < horizon
     ORDER BY e.transaction_id, e.global_position
    OFFSET max_scan - 1
     LIMIT 1;
    IF NOT FOUND THEN
        SELECT e.transaction_id, e.global_position
          INTO mark.transaction_id, mark.global_position
          FROM event_store.events e
         WHERE (e.transaction_id, e.global_position) > (scan_feed.after_transaction_id, scan_feed.after_position)
           AND e.transaction_id < horizon
         ORDER BY e.transaction_id DESC, e.global_position DESC
         LIMIT 1;
    END IF;
    IF EXISTS (SELECT FROM event_store.events e
                WHERE e.transaction_id = mark.transaction_id AND e.global_position = mark.global_position
                  AND NOT event_store.feed_filter(e.event_type, e.aggregate_type, e.aggregate_id, scan_feed.event_types,
                                                  scan_feed.aggregate_types, scan_feed.partitions, scan_feed.partition))
    THEN
        RETURN NEXT mark;
    END IF;
END
$$;
