-- The events of all aggregates with from_time <= created_at < until_time, the newest first. At most max_count of them;
-- the next page: until_time and before_position are the last row's created_at and global_position.
CREATE OR REPLACE FUNCTION event_store.get_events_in_time_range_backward(
    from_time       timestamptz,
    until_time      timestamptz,
    max_count       integer DEFAULT NULL,
    before_position bigint DEFAULT 0
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
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
