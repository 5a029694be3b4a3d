-- The cursor of an event as text: every driver can carry that, whatever it makes of xid8, of numbers above 2^53 and of
-- times. Pass it as after, before or cursor to what takes it, in place of two numbers, or of a time and a number.
--
--     SELECT event_id, event_data, event_store.cursor_of(e) FROM event_store.read_feed_after($1, 100) e
--
-- NULL for a row without a place, like the snapshot among the rows of load_aggregate(). See cursor_at(). SQL, so that the
-- planner inlines it.
CREATE OR REPLACE FUNCTION event_store.cursor_of(event event_store.events) RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT event_store.cursor_at((event).transaction_id, (event).global_position, (event).created_at)
$$;
