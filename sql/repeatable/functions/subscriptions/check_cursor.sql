-- Refuses a checkpoint that is of a lost history, or ahead of the feed: events with lower numbers that cannot be read yet
-- would be passed over. Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
--
-- What anybody has read in the feed is never refused, under any isolation level. So it does not go by the horizon, which can
-- be lower than it was when the page was read (under REPEATABLE READ, or because an append has published a bound since).
-- It refuses a number that is not handed out yet, and one above an append that is not committed and got its number as
-- its own id: such a number is known exactly. A transaction that had an id before it appended has a higher number than that,
-- which nobody else knows, and is not considered.
--
-- SE002 ahead of the feed, or NULL; SE012 the store was restored into another cluster; SE018 of a lost
-- history.
CREATE OR REPLACE FUNCTION event_store.check_cursor(transaction_id xid8, global_position bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    horizon  xid8 := event_store.feed_horizon();
    settings record;
    upper    bigint;
BEGIN
    PERFORM event_store.check_place(check_cursor.transaction_id, check_cursor.global_position);
    IF check_cursor.transaction_id < horizon AND check_cursor.global_position >= 0 THEN
        RETURN;
    END IF;
    SELECT s.bounds_are_complete, s.feed_offset INTO settings FROM event_store.settings s;
    IF settings.bounds_are_complete THEN
        upper := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
        horizon := (settings.feed_offset + least(upper, (
            SELECT min(b.first_id) FROM event_store.published_bounds(upper) b WHERE b.first_id >= b.published)))::text::xid8;
        IF check_cursor.transaction_id < horizon AND check_cursor.global_position >= 0 THEN
            RETURN;
        END IF;
    END IF;
    RAISE EXCEPTION 'the cursor is not a place in the feed'
        USING ERRCODE = 'SE002',
              DETAIL = format('cursor (%s, %s); the feed can be read below %s', check_cursor.transaction_id,
                              check_cursor.global_position, horizon),
              HINT = 'Pass transaction_id and global_position of the last row that you read.';
END
$$;
