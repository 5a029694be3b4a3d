-- Appends one event to one aggregate: append_events() for a single event. Returns its id, version and position.
CREATE OR REPLACE FUNCTION event_store.append_event(
    aggregate_type   text,
    aggregate_id     uuid,
    expected_version integer,
    event_type       text,
    event_data       jsonb,
    metadata         jsonb DEFAULT '{}',
    schema_version   integer DEFAULT 1,
    actor            text DEFAULT 'system',
    actor_type       text DEFAULT 'system',
    source           text DEFAULT 'system',
    causation_id     uuid DEFAULT NULL,
    correlation_id   uuid DEFAULT NULL,
    INOUT event_id   uuid DEFAULT NULL,
    OUT event_version   integer,
    OUT global_position bigint
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    event_id := coalesce(event_id, event_store.new_event_id());
    SELECT appended.event_version, appended.global_position
      INTO append_event.event_version, append_event.global_position
      FROM event_store.append_events(
               aggregate_type, aggregate_id, expected_version,
               jsonb_build_array(jsonb_build_object(
                   'event_id', append_event.event_id,
                   'event_type', event_type,
                   'event_data', event_data,
                   'metadata', metadata,
                   'schema_version', schema_version)),
               actor, actor_type, source, causation_id, correlation_id) AS appended;
END
$$;
