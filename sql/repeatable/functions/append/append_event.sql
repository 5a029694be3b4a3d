-- Appends one event to one aggregate; returns its id, version and position. For one event what append_events() is for
-- many, without the way through JSON: a third faster.
--
-- expected_version: the version that the caller has seen; 0 = the aggregate must not exist yet; NULL = any.
--
-- SE001 version conflict; SE002 malformed event; SE003 the event id is stored already.
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
#variable_conflict use_column
BEGIN
    IF (append_event.event_type <> '' AND jsonb_typeof(append_event.event_data) = 'object'
        AND jsonb_typeof(append_event.metadata) = 'object' AND append_event.schema_version >= 1
        AND append_event.aggregate_type <> '' AND append_event.aggregate_id IS NOT NULL
        AND append_event.actor IS NOT NULL
        AND append_event.actor_type IN ('user', 'service', 'system')
        AND append_event.source IN ('ui', 'api', 'import', 'webhook', 'system')) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the event is malformed'
            USING ERRCODE = 'SE002',
                  HINT = 'event_type is a text, event_data and metadata are JSON objects, schema_version is 1 or more; '
                      || 'actor_type is user, service or system; source is ui, api, import, webhook or system.';
    END IF;

    append_event.event_version :=
        event_store.expect_version(append_event.aggregate_type, append_event.aggregate_id, append_event.expected_version) + 1;

    IF append_event.event_id IS NULL THEN
        append_event.event_id := event_store.new_event_id();
    ELSIF EXISTS (SELECT FROM event_store.events e WHERE e.event_id = append_event.event_id) THEN
        RAISE EXCEPTION 'event % is stored already', append_event.event_id
            USING ERRCODE = 'SE003', HINT = 'It was appended before: read it back instead of appending it again.';
    END IF;

    -- clock_timestamp() after the lock: within an aggregate a later version never has an earlier time.
    INSERT INTO event_store.events AS e (
        event_id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_data, metadata,
        actor, actor_type, source, causation_id, correlation_id, created_at)
    VALUES (
        append_event.event_id, append_event.aggregate_type, append_event.aggregate_id, append_event.event_version,
        append_event.event_type, append_event.schema_version, append_event.event_data, append_event.metadata,
        append_event.actor, append_event.actor_type, append_event.source,
        append_event.causation_id, append_event.correlation_id, clock_timestamp())
    RETURNING e.global_position INTO append_event.global_position;
END
$$;
