-- Appends one event to one aggregate; returns its id, version and position.
--
-- The ordinary case takes two statements: one looks everything up, one inserts. Everything else (commands, tags, types to
-- validate, what read models take, a history that is not checked yet, anything malformed) is left to append_lists(),
-- which does it for many events as well. The time of an append is not spent on running the statements but on what
-- each transaction has to set up for them: statements and the tables in them, SET clauses, operators in expressions,
-- and OUT parameters. PostgreSQL looks OUT parameters up at each call; a named type it remembers.
--
-- expected_version: the version that the caller has seen; 0 = the aggregate must not exist yet; -1 = it must exist;
-- NULL = any.
-- metadata, schema_version: NULL means the default, like null in a list of events.
-- tags: what decisions look for, see append_if(); at most 100 texts of 1 to 255 characters.
-- command_id: if the same command is sent again, it returns its first result and appends nothing, whatever the expected
-- version. A command is the same if command_type, aggregate and command_data are the same; without command_data, type,
-- schema version and payload of the event are compared instead. The event's causation_id is the command's id unless
-- causation_id is given.
--
-- SE001 version conflict; SE002 malformed event; SE003 the event id is stored already; SE004 the command was recorded
-- with other content; SE006 unknown event type; SE007 the payload breaks its JSON schema, or is not what its read model
-- takes; SE012 the store was restored into another cluster, or has lost its settings; SE019 a new history begins and is
-- not recorded yet; 54000 the transaction appends to too many aggregates; 55P03 other transactions do.
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
    event_id         uuid DEFAULT NULL,
    command_id       uuid DEFAULT NULL,
    command_type     text DEFAULT NULL,
    command_data     jsonb DEFAULT NULL,
    tags             text[] DEFAULT NULL
)
RETURNS event_store.appended_event
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    feed_offset     bigint;
    current_version integer;
    is_plain        boolean;
    last_number     xid8;
    last_time       timestamptz;
    as_list         jsonb;
    appended        event_store.appended_event;
BEGIN
    -- Not for the first append of a transaction: what follows here either writes, or fails and leaves no lock, or is
    -- counted by append_lists().
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        PERFORM event_store.refuse_many_locks(2);
    END IF;
    IF append_event.event_data @> '{}' AND append_event.metadata @> '{}' AND append_event.schema_version >= 1
        AND append_event.event_type <> '' AND append_event.aggregate_type <> ''
        AND append_event.aggregate_id IS NOT NULL AND append_event.actor IS NOT NULL
        AND greatest(length(append_event.event_type), length(append_event.aggregate_type),
                     length(append_event.actor)) <= 255
        AND append_event.actor_type IN ('user', 'service', 'system')
        AND append_event.source IN ('ui', 'api', 'import', 'webhook', 'system')
        AND append_event.command_id IS NULL AND append_event.command_type IS NULL AND append_event.command_data IS NULL
        AND append_event.tags IS NULL
        -- Otherwise append_lists() raises it.
        AND current_setting('synchronous_commit') IN ('on', 'remote_apply')
        -- A read model takes these, and not whatever payload: see check_read_models().
        AND append_event.aggregate_type NOT IN ('User', 'Account', 'JournalEntry', 'UserPreferences')
        -- Wait for the turn at the aggregate before anything is looked up: await_turn() says who waits for whom.
        AND (pg_try_advisory_xact_lock(
                 event_store.aggregate_lock(append_event.aggregate_type, append_event.aggregate_id))
             OR event_store.await_turn(append_event.aggregate_type, append_event.aggregate_id,
                                       append_event.expected_version))
        -- As in share_event_types(): until the end of the transaction nobody changes what is registered of the type.
        AND pg_advisory_xact_lock_shared(event_store.event_type_lock(append_event.event_type)) IS NOT NULL
    THEN
        SELECT s.feed_offset,
               coalesce(last.event_version, CASE WHEN NOT s.has_retired_aggregates THEN 0 END),
               s.unknown_event_types = 'allow' AND append_event.event_type <> ALL (s.validated_event_types),
               last.transaction_id, last.created_at
          INTO feed_offset, current_version, is_plain, last_number, last_time
          FROM event_store.settings s
          LEFT JOIN LATERAL (
               SELECT e.event_version, e.transaction_id, e.created_at
                 FROM event_store.events e
                WHERE e.aggregate_type = append_event.aggregate_type::varchar
                  AND e.aggregate_id = append_event.aggregate_id
                ORDER BY e.event_version DESC
                LIMIT 1) last ON true
         WHERE s.fork::text = current_setting('event_store.history_checked', true);
        IF NOT is_plain THEN
            is_plain := EXISTS (SELECT FROM event_store.event_types t
                                 WHERE t.event_type = append_event.event_type::varchar
                                   AND t.schema_version = append_event.schema_version AND t.validation = 'off');
        END IF;
        IF is_plain AND append_event.expected_version <> current_version
           AND NOT (append_event.expected_version = -1 AND current_version > 0)
        THEN
            PERFORM event_store.refuse_version(append_event.aggregate_type, append_event.aggregate_id,
                                               append_event.expected_version, current_version);
        END IF;
    END IF;

    IF current_version IS NULL OR NOT is_plain THEN
        as_list := jsonb_build_array(jsonb_build_object(
            'event_type', append_event.event_type, 'event_data', append_event.event_data,
            'metadata', append_event.metadata, 'schema_version', append_event.schema_version,
            'event_id', append_event.event_id)
            || CASE WHEN append_event.tags IS NULL THEN '{}' ELSE jsonb_build_object('tags', append_event.tags) END);
        SELECT a.event_ids[1], a.event_versions[1], a.global_positions[1]
          INTO appended
          FROM event_store.append_lists(
                   ARRAY[append_event.aggregate_type], ARRAY[append_event.aggregate_id],
                   ARRAY[append_event.expected_version],
                   ARRAY[as_list], ARRAY[NULL],
                   append_event.actor, append_event.actor_type, append_event.source, append_event.causation_id,
                   append_event.correlation_id, append_event.command_id, append_event.command_type,
                   append_event.command_data) a;
        RETURN appended;
    END IF;

    -- Neither the number in the feed nor the time is below that of the aggregate's last event: see insert_events().
    IF append_event.event_id IS NULL THEN
        INSERT INTO event_store.events AS e (
            event_id, transaction_id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_data,
            metadata, actor, actor_type, source, causation_id, correlation_id, created_at)
        VALUES (
            event_store.new_event_id(), event_store.feed_number(feed_offset, last_number),
            append_event.aggregate_type, append_event.aggregate_id, current_version + 1,
            append_event.event_type, append_event.schema_version, append_event.event_data, append_event.metadata,
            append_event.actor, append_event.actor_type, append_event.source,
            append_event.causation_id, append_event.correlation_id, greatest(clock_timestamp(), last_time))
        RETURNING e.event_id, e.event_version, e.global_position
             INTO appended;
        RETURN appended;
    END IF;

    -- The same for an id that the caller gives, which may be stored already. ON CONFLICT waits for a session that is
    -- inserting the same id, and then leaves the event out. It costs a twentieth of an append, so appends with a new id
    -- do without it.
    INSERT INTO event_store.events AS e (
        event_id, transaction_id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_data,
        metadata, actor, actor_type, source, causation_id, correlation_id, created_at)
    VALUES (
        append_event.event_id, event_store.feed_number(feed_offset, last_number),
        append_event.aggregate_type, append_event.aggregate_id, current_version + 1,
        append_event.event_type, append_event.schema_version, append_event.event_data, append_event.metadata,
        append_event.actor, append_event.actor_type, append_event.source,
        append_event.causation_id, append_event.correlation_id, greatest(clock_timestamp(), last_time))
    ON CONFLICT (event_id) DO NOTHING
    RETURNING e.event_id, e.event_version, e.global_position
         INTO appended;
    IF NOT FOUND THEN
        PERFORM event_store.refuse_event_ids(ARRAY[append_event.event_id]);
    END IF;
    RETURN appended;
END
$$;
