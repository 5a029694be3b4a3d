-- The events of one type by time, from a moment on (inclusive). For reports and people; a consumer that must not miss
-- an event reads the feed in (transaction_id, global_position) order instead.
CREATE OR REPLACE FUNCTION event_store.get_events_by_type(
    event_type text,
    from_time  timestamptz DEFAULT '-infinity',
    max_count  integer DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.*
      FROM event_store.events e
     WHERE e.event_type = get_events_by_type.event_type::varchar
       AND e.created_at >= get_events_by_type.from_time
     ORDER BY e.created_at, e.global_position
     LIMIT get_events_by_type.max_count
$$;
