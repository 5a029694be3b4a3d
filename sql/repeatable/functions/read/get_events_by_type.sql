-- The events of one type by time, from a moment on (inclusive), at most max_count of them. For reports and people; a
-- consumer that must not miss an event reads the feed or a category.
--
-- The next page: from_time and after_position are the last row's created_at and global_position. Many events can have
-- the same time (all events of one call do), so the time alone is not a place to go on from.
--
-- Drivers whose times have milliseconds would repeat or miss events that way: with after, cursor_of() the last row, the time
-- that the store has is what counts. SE002 after is no cursor, or without a time; SE018 it is of a lost history.
CREATE OR REPLACE FUNCTION event_store.get_events_by_type(
    event_type     text,
    from_time      timestamptz DEFAULT '-infinity',
    max_count      integer DEFAULT NULL,
    after_position bigint DEFAULT 0,
    after          text DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    place record;
BEGIN
    place := event_store.time_of(get_events_by_type.after);
    IF place.created_at IS NOT NULL
       AND ((place.created_at, place.global_position) <= (from_time, after_position)) IS NOT TRUE
    THEN
        from_time := place.created_at;
        after_position := place.global_position;
    END IF;
    -- = ANY, and the type in ORDER BY: then only idx_events_type has this order, and a page costs what its limit says.
    -- With = idx_events_created_at has the order as well, and the planner may read that index and filter. That is quick
    -- on average, but for a rare type, or one no longer in use, it reads every event.
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.event_type = ANY (ARRAY[get_events_by_type.event_type]::varchar[])
       AND (e.created_at, e.global_position) > (get_events_by_type.from_time, get_events_by_type.after_position)
     ORDER BY e.event_type, e.created_at, e.global_position
     LIMIT get_events_by_type.max_count;
END
$$;
