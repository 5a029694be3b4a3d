-- Appends events to one aggregate, all of them or none, and returns the last one's version and position.
--
-- expected_version: the version that the caller has seen; 0 = the aggregate must not exist yet; -1 = it must exist;
-- NULL = any.
-- events: a JSON array of objects with event_type and event_data, and optionally event_id, schema_version, metadata,
-- tags (an array of texts, see append_if()), causation_id and correlation_id (the last two default to the arguments of the
-- call). null is the same as leaving the key out.
-- command_id: if the same command is sent again, it returns its first result and appends nothing, whatever the expected
-- version. A command is the same if command_type, aggregate and command_data are the same; without command_data, types,
-- schema versions and payloads of the events are compared instead. The events' causation_id is the command's id unless
-- causation_id is given.
--
-- SE001 version conflict; SE002 malformed events; SE003 an event id is stored already; SE004 the command was
-- recorded with other content; SE006 unknown event type; SE007 a payload breaks its JSON schema, or is not what its
-- read model takes; SE012 the store was restored into another cluster, or has lost its settings; SE019 a new history
-- begins and is not recorded yet; 54000 the transaction appends to too many aggregates; 55P03
-- other transactions do.
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
    command_id       uuid DEFAULT NULL,
    command_type     text DEFAULT NULL,
    command_data     jsonb DEFAULT NULL,
    OUT event_version   integer,
    OUT global_position bigint
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    SELECT a.event_versions[1], a.global_positions[1]
      INTO append_events.event_version, append_events.global_position
      FROM event_store.append_lists(
               ARRAY[append_events.aggregate_type], ARRAY[append_events.aggregate_id],
               ARRAY[append_events.expected_version], ARRAY[append_events.events], ARRAY[''],
               append_events.actor, append_events.actor_type, append_events.source,
               append_events.causation_id, append_events.correlation_id,
               append_events.command_id, append_events.command_type, append_events.command_data) a;
END
$$;
