-- How far each projection is behind the stored events: in events, and in seconds since the first of these events was
-- appended (0 = none). For its rebuild, in events. Exact up to 10,000 events; beyond that an estimate, so that the call
-- stays cheap. is_outdated: the registry has a newer definition, and no rebuild with it is under way.
CREATE OR REPLACE FUNCTION event_store.projection_lag(projection_name text DEFAULT NULL)
RETURNS TABLE (
    projection_name        text,
    status                 text,
    projection_version     integer,
    events_behind          bigint,
    seconds_behind         double precision,
    error_message          text,
    is_outdated            boolean,
    rebuild_status         text,
    rebuild_events_behind  bigint,
    rebuild_error_message  text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.projection_name, p.status, p.projection_version,
           behind.events,
           coalesce(greatest(extract(epoch FROM clock_timestamp() - next.created_at), 0), 0),
           p.error_message,
           coalesce(r.definition_version > coalesce(b.definition_version, p.definition_version), false),
           b.status, rebuild_behind.events, b.error_message
      FROM event_store.projections p
      LEFT JOIN projections.registry() r ON r.projection_name::varchar = p.projection_name
      LEFT JOIN event_store.projection_rebuilds b ON b.projection_name = p.projection_name
     CROSS JOIN LATERAL event_store.events_after(p.last_transaction_id, p.last_global_position) AS behind (events)
      LEFT JOIN LATERAL event_store.events_after(b.last_transaction_id, b.last_global_position) AS rebuild_behind (events)
             ON b.projection_name IS NOT NULL
      LEFT JOIN LATERAL (
               SELECT e.created_at
                 FROM event_store.events e
                WHERE (e.transaction_id, e.global_position) > (p.last_transaction_id, p.last_global_position)
                ORDER BY e.transaction_id, e.global_position
                LIMIT 1) next ON true
     WHERE projection_lag.projection_name IS NULL OR p.projection_name = projection_lag.projection_name::varchar
     ORDER BY p.projection_name
$$;
