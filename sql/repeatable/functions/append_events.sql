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
    IF jsonb_typeof(append_events.events) IS DISTINCT FROM 'array'
       OR append_events.events = '[]'
       OR append_events.events @? '$[*] ? (!(@.event_type.type() == "string") || !(@.event_data.type() == "object"))'
    THEN
        RAISE EXCEPTION 'events are malformed'
            USING ERRCODE = 'SE002',
                  DETAIL = 'Each event needs event_type (a string) and event_data (an object).',
                  HINT = 'Pass a JSON array with at least one event: [{"event_type": "...", "event_data": {...}}, ...].';
    END IF;

    -- One writer at a time for each aggregate, so that "any version" never meets a conflict that is none, and a
    -- conflict is found here, before a position is taken, and not by the unique index afterwards.
    PERFORM pg_advisory_xact_lock(
        hashtextextended(append_events.aggregate_type || ' ' || append_events.aggregate_id, 0));

    SELECT e.event_version INTO current_version
      FROM event_store.events e
     WHERE e.aggregate_type = append_events.aggregate_type::varchar AND e.aggregate_id = append_events.aggregate_id
     ORDER BY e.event_version DESC
     LIMIT 1;
    current_version := coalesce(current_version, 0);

    IF append_events.expected_version <> current_version THEN
        RAISE EXCEPTION 'version conflict on % %', append_events.aggregate_type, append_events.aggregate_id
            USING ERRCODE = 'SE001',
                  DETAIL = format('expected version %s, actual version %s', append_events.expected_version, current_version),
                  HINT = 'Read the events since the expected version, decide again, and append with the actual version.';
    END IF;

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
