-- Refuses a checkpoint that is of a lost history, or ahead of the feed: events with lower numbers that cannot be read yet
-- would be passed over. Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
--
-- SE002 ahead of the feed, or NULL; SE012 the store was restored into another cluster; SE018 of a lost history.
CREATE OR REPLACE FUNCTION event_store.check_cursor(transaction_id xid8, global_position bigint) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    horizon CONSTANT xid8 := event_store.feed_horizon();
BEGIN
    PERFORM event_store.check_place(check_cursor.transaction_id, check_cursor.global_position);
    IF (check_cursor.transaction_id < horizon AND check_cursor.global_position >= 0) IS NOT TRUE THEN
        RAISE EXCEPTION 'the cursor is not a place in the feed'
            USING ERRCODE = 'SE002',
                  DETAIL = format('cursor (%s, %s); the feed can be read below %s', check_cursor.transaction_id,
                                  check_cursor.global_position, horizon),
                  HINT = 'Pass transaction_id and global_position of the last row that you read.';
    END IF;
END
$$;
