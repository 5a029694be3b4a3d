-- The events of all aggregates with from_time <= created_at < until_time, the newest first. At most max_count of them;
-- the next page: until_time and before_position are the last row's created_at and global_position. Or before is cursor_of()
-- the last row: get_events_by_type() says why, and what is refused.
CREATE OR REPLACE FUNCTION event_store.get_events_in_time_range_backward(
    from_time       timestamptz,
    until_time      timestamptz,
    max_count       integer DEFAULT NULL,
    before_position bigint DEFAULT 0,
    before          text DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    place record;
BEGIN
    place := event_store.time_of(get_events_in_time_range_backward.before);
    IF place.created_at IS NOT NULL
       AND ((place.created_at, place.global_position) >= (until_time, before_position)) IS NOT TRUE
    THEN
        until_time := place.created_at;
        before_position := place.global_position;
    END IF;
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.created_at >= get_events_in_time_range_backward.from_time
       AND (e.created_at, e.global_position)
           < (get_events_in_time_range_backward.until_time, get_events_in_time_range_backward.before_position)
     ORDER BY e.created_at DESC, e.global_position DESC
     LIMIT get_events_in_time_range_backward.max_count;
END
$$;
