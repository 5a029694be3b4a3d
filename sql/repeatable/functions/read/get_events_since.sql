-- The events of one aggregate after a version that the caller has seen (exclusive): what a reader has to catch up on.
CREATE OR REPLACE FUNCTION event_store.get_events_since(
    aggregate_type text,
    aggregate_id   uuid,
    after_version  integer,
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
     WHERE e.aggregate_type = get_events_since.aggregate_type::varchar
       AND e.aggregate_id = get_events_since.aggregate_id
       AND e.event_version > get_events_since.after_version
     ORDER BY e.event_version
     LIMIT get_events_since.max_count;
END
$$;
