-- The events of one aggregate, the newest first, from a version back (inclusive; NULL = the newest), at most max_count of
-- them. The next page begins at the last row's event_version - 1.
CREATE OR REPLACE FUNCTION event_store.get_events_backward(
    aggregate_type text,
    aggregate_id   uuid,
    from_version   integer DEFAULT NULL,
    max_count      integer DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.aggregate_type = get_events_backward.aggregate_type::varchar
       AND e.aggregate_id = get_events_backward.aggregate_id
       AND e.event_version <= coalesce(get_events_backward.from_version, 2147483647)
     ORDER BY e.event_version DESC
     LIMIT get_events_backward.max_count;
END
$$;
