-- Appends events to one aggregate, all of them or none, and returns the last one's version and position.
--
-- expected_version: the version that the caller has seen; 0 = the aggregate must not exist yet; NULL = any.
-- events: a JSON array of objects: event_type and event_data, and where wanted event_id, schema_version, metadata,
-- causation_id, correlation_id (the last two default to the arguments of the call).
--
-- SE001 version conflict; SE002 malformed events; SE003 an event id is stored already.
CREATE OR REPLACE FUNCTION event_store.append_events(
    aggregate_type   text,
    aggregate_id     uuid,
    expected_version integer,
    events           jsonb,
    actor            text DEFAULT 'system',
    actor_type       text DEFAULT 'system',
    source           text DEFAULT 'system',
    causation_id     uuid DEFAULT NULL,
    correlation_id   uuid DEFAULT NULL,
    OUT event_version   integer,
    OUT global_position bigint
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    current_version integer;
    repeated        uuid;
    now             timestamptz;
BEGIN
    IF (jsonb_typeof(append_events.events) = 'array'
        AND append_events.events <> '[]'
        AND NOT append_events.events @? '$[*] ? (
                !(@.event_type.type() == "string" && @.event_type != "" && @.event_data.type() == "object"))'
        AND NOT append_events.events @? '$[*].metadata ? (@.type() != "object" && @ != null)'
        AND NOT append_events.events @? '$[*].schema_version ? (@ < 1)'
        AND append_events.aggregate_type <> '' AND append_events.aggregate_id IS NOT NULL
        AND append_events.actor IS NOT NULL
        AND append_events.actor_type IN ('user', 'service', 'system')
        AND append_events.source IN ('ui', 'api', 'import', 'webhook', 'system')) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'events are malformed'
            USING ERRCODE = 'SE002',
                  HINT = 'Pass a JSON array with at least one {"event_type": "...", "event_data": {...}}; metadata is an '
                      || 'object, schema_version is 1 or more; actor_type is user, service or system; source is ui, api, '
                      || 'import, webhook or system.';
    END IF;

    current_version := event_store.expect_version(
        append_events.aggregate_type, append_events.aggregate_id, append_events.expected_version);

    IF append_events.events @? '$[*].event_id' THEN
        SELECT e.event_id INTO repeated
          FROM jsonb_array_elements(append_events.events) AS item
          JOIN event_store.events e ON e.event_id = (item ->> 'event_id')::uuid
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'event % is stored already', repeated
                USING ERRCODE = 'SE003', HINT = 'It was appended before: read it back instead of appending it again.';
        END IF;
    END IF;

    -- After the lock: within an aggregate a later version never has an earlier time.
    now := clock_timestamp();

    WITH inserted AS (
        INSERT INTO event_store.events AS e (
            event_id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_data, metadata,
            actor, actor_type, source, causation_id, correlation_id, created_at)
        SELECT coalesce(item.event_id, event_store.new_event_id()),
               append_events.aggregate_type, append_events.aggregate_id, current_version + item.place::integer,
               item.event_type, coalesce(item.schema_version, 1), item.event_data, coalesce(item.metadata, '{}'),
               append_events.actor, append_events.actor_type, append_events.source,
               coalesce(item.causation_id, append_events.causation_id),
               coalesce(item.correlation_id, append_events.correlation_id),
               now
          FROM ROWS FROM (
                   jsonb_to_recordset(append_events.events) AS (
                       event_id uuid, event_type text, schema_version integer, event_data jsonb, metadata jsonb,
                       causation_id uuid, correlation_id uuid)
               ) WITH ORDINALITY AS item (
                   event_id, event_type, schema_version, event_data, metadata, causation_id, correlation_id, place)
        RETURNING e.event_version, e.global_position
    )
    SELECT max(i.event_version), max(i.global_position)
      INTO append_events.event_version, append_events.global_position
      FROM inserted i;
END
$$;
