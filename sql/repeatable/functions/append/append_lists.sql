-- Appends lists of events, each to its own aggregate, in one go: the common part of append_events() and
-- append_to_aggregates(). Element n of each array is about the same aggregate. Results, in the same order: id, version
-- and position of each list's last event. An id is NULL if the command is a repeated one and its events have left the
-- store.
--
-- prefixes: what stands before events[n] in an error that names the place of an event. NULL: the caller was given one
-- event and no list.
--
-- items: of a query. Append only if no event that matches one was stored after the marker: see append_if(). NULL: in any
-- case.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SQLSTATEs: those of
-- its callers.
CREATE OR REPLACE FUNCTION event_store.append_lists(
    aggregate_types   text[],
    aggregate_ids     uuid[],
    expected_versions integer[],
    event_lists       jsonb[],
    prefixes          text[],
    actor             text,
    actor_type        text,
    source            text,
    causation_id      uuid,
    correlation_id    uuid,
    command_id        uuid,
    command_type      text,
    command_data      jsonb,
    items             event_store.query_item[] DEFAULT NULL,
    marker            text DEFAULT NULL,
    OUT event_ids        uuid[],
    OUT event_versions   integer[],
    OUT global_positions bigint[]
)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    -- To one aggregate, and not because of a command: see await_turn().
    is_exact     constant boolean := cardinality(event_lists) = 1 AND expected_versions[1] >= 0 AND command_id IS NULL;
    recorded     event_store.commands;
    feed_offset  bigint;
    looked_at    record;
    event_types  text[];
    list_tags    text[];
    tags         text[];
    is_fine      boolean;
    more         integer := 0;
    lowest       xid8;
    are_plain    boolean;
    new_version  integer;
    new_position bigint;
    new_id       uuid;
BEGIN
    IF (length(actor) <= 255
        AND actor_type IN ('user', 'service', 'system')
        AND source IN ('ui', 'api', 'import', 'webhook', 'system')
        AND (command_id IS NOT NULL OR command_type IS NULL AND command_data IS NULL)) IS NOT TRUE
    THEN
        PERFORM event_store.refuse_malformed(
            aggregate_types[1], aggregate_ids[1], actor, actor_type, source, command_id, command_type, NULL);
    END IF;
    FOR n IN 1 .. cardinality(event_lists) LOOP
        looked_at := event_store.look_at_events(event_lists[n]);
        is_fine := length(aggregate_types[n]) BETWEEN 1 AND 255 AND aggregate_ids[n] IS NOT NULL
                   AND looked_at.are_well_formed;
        IF is_fine IS NOT TRUE THEN
            -- Tags are out of the ordinary, so only now they are looked at.
            list_tags := (SELECT l.tags FROM event_store.look_at_tags(event_lists[n]) l WHERE l.are_well_formed);
            IF list_tags IS NOT NULL THEN
                tags := tags || list_tags;
                looked_at := event_store.look_at_events(
                    (SELECT jsonb_agg(i.value - 'tags') FROM jsonb_array_elements(event_lists[n]) AS i (value)));
                is_fine := length(aggregate_types[n]) BETWEEN 1 AND 255 AND aggregate_ids[n] IS NOT NULL
                           AND looked_at.are_well_formed;
            END IF;
            IF is_fine IS NOT TRUE THEN
                PERFORM event_store.refuse_malformed(
                    aggregate_types[n], aggregate_ids[n], actor, actor_type, source, command_id, command_type,
                    coalesce(prefixes[n] || event_store.malformed_part(event_lists[n]),
                             replace(event_store.malformed_part(event_lists[n]), 'events[0].', '')));
            END IF;
        END IF;
        event_types := event_types || looked_at.event_types;
    END LOOP;

    event_types := ARRAY(SELECT DISTINCT t.name FROM unnest(event_types) AS t (name));
    IF items IS NOT NULL OR tags IS NOT NULL THEN
        more := coalesce(cardinality(tags), 0)
                + (SELECT count(*)::integer FROM unnest(items) AS i LEFT JOIN LATERAL unnest(i.types) ON i.tags IS NULL);
    END IF;
    -- Always: a repeated command writes nothing, so nothing else tells that the transaction has locks already.
    PERFORM event_store.refuse_many_locks(
        cardinality(event_lists) + cardinality(event_types) + more
        + CASE WHEN command_id IS NOT NULL OR is_exact THEN 1 ELSE 0 END);

    -- Wait for the turn at each aggregate before anything is looked up: await_turn() says who waits for whom.
    -- Locks are taken in one order, whatever the order of the call, so two calls never wait for each other in a circle.
    PERFORM pg_try_advisory_xact_lock(l.key)
            OR event_store.await_turn(l.aggregate_type, l.aggregate_id, CASE WHEN is_exact THEN expected_versions[1] END)
       FROM (SELECT event_store.aggregate_lock(u.aggregate_type, u.aggregate_id) AS key, u.*
               FROM unnest(aggregate_types, aggregate_ids) AS u (aggregate_type, aggregate_id)
              ORDER BY 1) l;
    -- Until the end of the transaction nobody changes what is registered of these types.
    IF items IS NULL THEN
        PERFORM event_store.share_event_types(event_types);
    END IF;
    IF items IS NOT NULL OR tags IS NOT NULL THEN
        -- A repeated command is not refused, whatever has come since.
        PERFORM event_store.await_decision(event_types, tags, items, marker, command_id IS NULL);
    END IF;

    IF command_id IS NOT NULL THEN
        recorded := event_store.begin_command(
            command_id, command_type, aggregate_types[1], aggregate_ids[1], command_data, event_lists,
            (SELECT nullif(jsonb_agg(jsonb_build_array(u.aggregate_type, u.aggregate_id) ORDER BY u.place), '[]')
               FROM unnest(aggregate_types, aggregate_ids) WITH ORDINALITY AS u (aggregate_type, aggregate_id, place)
              WHERE cardinality(event_lists) > 1));
        IF recorded.processed_at IS NOT NULL THEN
            event_ids := (SELECT array_agg(e.event_id ORDER BY p.place)
                            FROM unnest(recorded.global_positions) WITH ORDINALITY AS p (global_position, place)
                            LEFT JOIN event_store.events e
                              ON e.aggregate_type = aggregate_types[p.place]::varchar
                             AND e.aggregate_id = aggregate_ids[p.place]
                             AND e.event_version = recorded.event_versions[p.place]);
            event_versions := recorded.event_versions;
            global_positions := recorded.global_positions;
            RETURN;
        END IF;
    END IF;

    -- What was read can no longer vanish in a crash, whatever the session has set. Not by a SET clause of a function, which
    -- ends before the commit.
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    feed_offset := event_store.check_history();
    IF items IS NOT NULL THEN
        PERFORM event_store.lock_events(items);
        PERFORM event_store.refuse_decision(items, marker);
        -- A decision comes after all that it may have seen. A transaction without an id gets such a number in any case.
        lowest := (SELECT e.transaction_id FROM event_store.events e
                    WHERE pg_current_xact_id_if_assigned() IS NOT NULL
                    ORDER BY e.transaction_id DESC, e.global_position DESC LIMIT 1);
    END IF;
    -- Plain: no event is of a type whose payload has to be validated, or that may be refused as unknown. This statement
    -- runs after the locks were taken, so it sees whatever came into force while this call waited for its turn. Like
    -- append_event(), it goes by what the settings know of the types, because that costs next to nothing.
    are_plain := (SELECT s.unknown_event_types = 'allow' AND NOT s.validated_event_types && event_types
                    FROM event_store.settings s);
    FOR n IN 1 .. cardinality(event_lists) LOOP
        new_version := event_store.expect_version(aggregate_types[n], aggregate_ids[n], expected_versions[n]);
        IF NOT are_plain THEN
            PERFORM event_store.check_event_types(event_lists[n], prefixes[n]);
        END IF;
        IF aggregate_types[n] IN ('User', 'Account', 'JournalEntry', 'UserPreferences') THEN
            PERFORM event_store.check_read_models(aggregate_types[n], event_lists[n], prefixes[n]);
        END IF;
        SELECT i.event_id, i.event_version, i.global_position INTO new_id, new_version, new_position
          FROM event_store.insert_events(
                   aggregate_types[n], aggregate_ids[n], new_version, event_lists[n], feed_offset, actor, actor_type,
                   source, coalesce(causation_id, command_id), correlation_id, tags IS NOT NULL, lowest) i;
        event_ids := event_ids || new_id;
        event_versions := event_versions || new_version;
        global_positions := global_positions || new_position;
    END LOOP;

    IF items IS NOT NULL THEN
        PERFORM event_store.note_decision((
            SELECT e.transaction_id FROM event_store.events e
             WHERE e.aggregate_type = aggregate_types[cardinality(event_lists)]::varchar
               AND e.aggregate_id = aggregate_ids[cardinality(event_lists)] AND e.event_version = new_version));
    END IF;
    IF command_id IS NOT NULL THEN
        PERFORM event_store.complete_command(recorded, actor, actor_type, source, event_versions, global_positions);
    END IF;
END
$$;
