-- The events of all aggregates with from_time <= created_at < until_time, by time: ranges that touch share no event.
CREATE OR REPLACE FUNCTION event_store.get_events_in_time_range(
    from_time  timestamptz,
    until_time timestamptz,
    max_count  integer DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.*
      FROM event_store.events e
     WHERE e.created_at >= get_events_in_time_range.from_time
       AND e.created_at < get_events_in_time_range.until_time
     ORDER BY e.created_at, e.global_position
     LIMIT get_events_in_time_range.max_count
$$;
