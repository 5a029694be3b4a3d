-- The events of one type, the newest first, back from a moment (exclusive), at most max_count of them.
--
-- The next page: until_time and before_position are the last row's created_at and global_position. Or before is cursor_of()
-- the last row: get_events_by_type() says why, and what is refused.
CREATE OR REPLACE FUNCTION event_store.get_events_by_type_backward(
    event_type      text,
    until_time      timestamptz DEFAULT 'infinity',
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
    place := event_store.time_of(get_events_by_type_backward.before);
    IF place.created_at IS NOT NULL
       AND ((place.created_at, place.global_position) >= (until_time, before_position)) IS NOT TRUE
    THEN
        until_time := place.created_at;
        before_position := place.global_position;
    END IF;
    -- = ANY, and the column in ORDER BY: get_events_by_type() says why.
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.event_type = ANY (ARRAY[get_events_by_type_backward.event_type]::varchar[])
       AND (e.created_at, e.global_position)
           < (get_events_by_type_backward.until_time, get_events_by_type_backward.before_position)
     ORDER BY e.event_type DESC, e.created_at DESC, e.global_position DESC
     LIMIT get_events_by_type_backward.max_count;
END
$$;
