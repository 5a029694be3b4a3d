-- The events of one aggregate in the order of their versions, from a version on (inclusive), at most max_count of them.
--
-- Like all reads it is one query, but in PL/pgSQL, which keeps the plan for the session. A SQL function that cannot be
-- inlined (because of SECURITY DEFINER or SET) is parsed and planned at each call, which is a quarter of the time of a
-- short stream.
CREATE OR REPLACE FUNCTION event_store.get_events(
    aggregate_type text,
    aggregate_id   uuid,
    from_version   integer DEFAULT 1,
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
     WHERE e.aggregate_type = get_events.aggregate_type::varchar
       AND e.aggregate_id = get_events.aggregate_id
       AND e.event_version >= get_events.from_version
     ORDER BY e.event_version
     LIMIT get_events.max_count;
END
$$;
