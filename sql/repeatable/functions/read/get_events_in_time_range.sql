-- The events of all aggregates with from_time <= created_at < until_time, by time, so adjacent ranges share no event.
-- At most max_count of them; the next page: from_time and after_position are the last row's created_at and
-- global_position. Or after is cursor_of() the last row: get_events_by_type() says why, and what is refused.
CREATE OR REPLACE FUNCTION event_store.get_events_in_time_range(
    from_time      timestamptz,
    until_time     timestamptz,
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
    place := event_store.time_of(get_events_in_time_range.after);
    IF place.created_at IS NOT NULL
       AND ((place.created_at, place.global_position) <= (from_time, after_position)) IS NOT TRUE
    THEN
        from_time := place.created_at;
        after_position := place.global_position;
    END IF;
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE (e.created_at, e.global_position)
           > (get_events_in_time_range.from_time, get_events_in_time_range.after_position)
       AND e.created_at < get_events_in_time_range.until_time
     ORDER BY e.created_at, e.global_position
     LIMIT get_events_in_time_range.max_count;
END
$$;
