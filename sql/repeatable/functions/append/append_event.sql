-- Appends one event to one aggregate; returns its id, version and position. For one event what append_events() is for
-- many, in as few statements as possible: one that looks everything up, one that inserts.
--
-- expected_version: the version that the caller has seen; 0 = the aggregate must not exist yet; -1 = it must exist;
-- NULL = any.
-- command_id: the same command again returns its first result and appends nothing, whatever the expected version. It is
-- compared by command_type, aggregate and command_data, or by type, schema version and payload of the event where there
-- is no command_data. The event's causation_id is the command's id unless it is given.
--
-- SE001 version conflict; SE002 malformed event; SE003 the event id is stored already; SE004 the command was recorded with
-- other content; SE006 unknown event type; SE007 the payload breaks its JSON schema; SE012 restored into another cluster.
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
    command_id       uuid DEFAULT NULL,
    command_type     text DEFAULT NULL,
    command_data     jsonb DEFAULT NULL,
    OUT event_version   integer,
    OUT global_position bigint
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Or the lookup might be planned anew for each call, which takes longer than to run it.
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    recorded        event_store.commands;
    feed_offset     bigint;
    is_plain        boolean;
    current_version integer;
BEGIN
    -- What is well formed waits for its turn at the aggregate: see expect_version(). One expression, because plpgsql
    -- evaluates it without the executor. The table's own constraints would cost more than all of this function.
    IF (length(append_event.event_type) BETWEEN 1 AND 255
        AND jsonb_typeof(append_event.event_data) = 'object'
        AND jsonb_typeof(append_event.metadata) = 'object'
        AND append_event.schema_version >= 1
        AND length(append_event.aggregate_type) BETWEEN 1 AND 255
        AND append_event.aggregate_id IS NOT NULL
        AND length(append_event.actor) <= 255
        AND append_event.actor_type IN ('user', 'service', 'system')
        AND append_event.source IN ('ui', 'api', 'import', 'webhook', 'system')
        AND (append_event.command_id IS NOT NULL OR append_event.command_type IS NULL AND append_event.command_data IS NULL)
        AND pg_advisory_xact_lock(event_store.aggregate_lock(append_event.aggregate_type, append_event.aggregate_id))
            IS NOT NULL) IS NOT TRUE
    THEN
        PERFORM event_store.refuse_malformed(
            append_event.aggregate_type, append_event.aggregate_id, append_event.actor, append_event.actor_type,
            append_event.source, append_event.command_id, append_event.command_type,
            substr(event_store.malformed_part(jsonb_build_array(jsonb_build_object(
                'event_type', append_event.event_type, 'event_data', append_event.event_data, 'metadata',
                coalesce(append_event.metadata, '[]'), 'schema_version', coalesce(append_event.schema_version, 0)))),
                length('events[0].') + 1));
    END IF;

    IF append_event.command_id IS NOT NULL THEN
        recorded := event_store.begin_command(
            append_event.command_id, append_event.command_type, append_event.aggregate_type, append_event.aggregate_id,
            append_event.command_data, ARRAY[jsonb_build_array(jsonb_build_object(
                'event_type', append_event.event_type, 'schema_version', append_event.schema_version,
                'event_data', append_event.event_data))], NULL);
        IF recorded.processed_at IS NOT NULL THEN
            append_event.event_version := recorded.event_versions[1];
            append_event.global_position := recorded.global_positions[1];
            append_event.event_id := (
                SELECT e.event_id
                  FROM event_store.events e
                 WHERE e.aggregate_type = append_event.aggregate_type::varchar
                   AND e.aggregate_id = append_event.aggregate_id
                   AND e.event_version = append_event.event_version);
            RETURN;
        END IF;
    END IF;

    -- After the locks, and a statement of its own: it sees what was committed while this one waited.
    SELECT s.feed_offset,
           s.cluster_identifier::text = current_setting('event_store.cluster_checked', true)
           AND coalesce((SELECT t.validation
                           FROM event_store.event_types t
                          WHERE t.event_type = append_event.event_type::varchar
                            AND t.schema_version = append_event.schema_version),
                        s.unknown_event_types) IN ('off', 'allow'),
           (SELECT e.event_version
              FROM event_store.events e
             WHERE e.aggregate_type = append_event.aggregate_type::varchar
               AND e.aggregate_id = append_event.aggregate_id
             ORDER BY e.event_version DESC
             LIMIT 1)
      INTO feed_offset, is_plain, current_version
      FROM event_store.settings s;

    IF current_version IS NULL THEN
        current_version := event_store.retired_version(append_event.aggregate_type, append_event.aggregate_id);
    END IF;
    IF append_event.expected_version <> current_version
       AND NOT (append_event.expected_version = -1 AND current_version > 0)
    THEN
        PERFORM event_store.refuse_version(append_event.aggregate_type, append_event.aggregate_id,
                                           append_event.expected_version, current_version);
    END IF;
    IF is_plain IS NOT TRUE THEN
        PERFORM event_store.check_cluster();
        PERFORM event_store.check_event_types(jsonb_build_array(jsonb_build_object(
            'event_type', append_event.event_type, 'schema_version', append_event.schema_version,
            'event_data', append_event.event_data)));
    END IF;
    IF append_event.event_id IS NOT NULL THEN
        -- Two sessions with one id: the second waits for the first, and finds it stored.
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(append_event.event_id, 2));
        IF EXISTS (SELECT FROM event_store.events e WHERE e.event_id = append_event.event_id) THEN
            PERFORM event_store.refuse_event_ids(ARRAY[append_event.event_id]);
        END IF;
    END IF;

    -- clock_timestamp() after the lock: within an aggregate a later version never has an earlier time.
    INSERT INTO event_store.events AS e (
        event_id, transaction_id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_data,
        metadata, actor, actor_type, source, causation_id, correlation_id, created_at)
    VALUES (
        coalesce(append_event.event_id, event_store.new_event_id()), event_store.feed_number(feed_offset),
        append_event.aggregate_type, append_event.aggregate_id, current_version + 1,
        append_event.event_type, append_event.schema_version, append_event.event_data, append_event.metadata,
        append_event.actor, append_event.actor_type, append_event.source,
        coalesce(append_event.causation_id, append_event.command_id), append_event.correlation_id, clock_timestamp())
    RETURNING e.event_id, e.event_version, e.global_position
         INTO append_event.event_id, append_event.event_version, append_event.global_position;

    IF append_event.command_id IS NOT NULL THEN
        PERFORM event_store.complete_command(
            recorded, append_event.actor, append_event.actor_type, append_event.source,
            ARRAY[append_event.event_version], ARRAY[append_event.global_position]);
    END IF;
END
$$;
