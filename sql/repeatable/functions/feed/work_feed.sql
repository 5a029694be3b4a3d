-- Notifies whoever LISTENs on the channel event_store, or on event_store_cursor, that the feed has grown. The payload is the
-- cursor of the last event that is safe to read: "transaction_id,global_position" on the one, and as text, see cursor_at(),
-- on the other. It is only a hint: readers go by their own cursor, and look now and then without being notified.
-- 1 = notified, 0 = nothing new since the last call in this session.
--
-- The appends do not notify by themselves, for two reasons: NOTIFY makes all commits of a server that use it wait for
-- each other, and when an append commits, its events may not be readable yet.
--
-- It also tells the standbys, see confirm_horizon().
--
-- After an update of a store whose functions did not publish bounds, it also calls complete_bounds().
--
-- If a new history of the store has to begin, it does here: within a second of the end of recovery, and not with the first
-- append.
--
-- SE012 the store was restored into another cluster; SE019 a new history cannot begin yet.
CREATE OR REPLACE FUNCTION event_store.work_feed() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place_now  record;
    cursor_now text;
    last_try   constant double precision := nullif(current_setting('event_store.bounds_tried', true), '')::double precision;
BEGIN
    PERFORM event_store.check_history();
    -- Not before a fork is recorded, which may take a second: this asks for a lock that excludes all others. Every ten
    -- seconds, whatever the clock does.
    IF NOT (SELECT s.bounds_are_complete FROM event_store.settings s)
       AND coalesce(abs(extract(epoch FROM clock_timestamp()) - last_try) >= 10, true)
    THEN
        PERFORM event_store.complete_bounds();
        PERFORM set_config('event_store.bounds_tried', extract(epoch FROM clock_timestamp())::text, false);
    END IF;

    place_now := event_store.feed_end();
    PERFORM event_store.confirm_horizon(place_now.transaction_id);
    cursor_now := place_now.transaction_id || ',' || place_now.global_position;
    IF cursor_now = coalesce(nullif(current_setting('event_store.announced', true), ''), '0,0') THEN
        RETURN 0;
    END IF;
    PERFORM pg_notify('event_store', cursor_now);
    PERFORM pg_notify('event_store_cursor', event_store.cursor_at(place_now.transaction_id, place_now.global_position));
    PERFORM set_config('event_store.announced', cursor_now, false);
    RETURN 1;
END
$$;
