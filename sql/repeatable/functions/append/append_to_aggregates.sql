-- Appends events to several aggregates, all of them or none; returns one row for each, in the order of the call.
--
-- appends: a JSON array of objects: aggregate_type, aggregate_id, events (as for append_events) and expected_version
-- (left out or null = any). Each aggregate may appear only once, and there are at most 1,000. Two calls with the same
-- aggregates wait for each other and never deadlock, in whatever order they list them.
-- command_id: as for append_events; it is the id of the call as a whole.
--
-- SE001 version conflict; SE002 malformed; SE003 an event id is stored already; SE004 the command was recorded with
-- other content; SE006 unknown event type; SE007 a payload breaks its JSON schema, or is not what its read model
-- takes; SE012 the store was restored into another cluster, or has lost its settings; SE019 a new history begins and
-- is not recorded yet; 54000 the transaction appends to too many aggregates; 55P03
-- other transactions do.
CREATE OR REPLACE FUNCTION event_store.append_to_aggregates(
    appends        jsonb,
    actor          text DEFAULT 'system',
    actor_type     text DEFAULT 'system',
    source         text DEFAULT 'system',
    causation_id   uuid DEFAULT NULL,
    correlation_id uuid DEFAULT NULL,
    command_id     uuid DEFAULT NULL,
    command_type   text DEFAULT NULL,
    command_data   jsonb DEFAULT NULL
)
RETURNS TABLE (aggregate_type text, aggregate_id uuid, event_version integer, global_position bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    types     text[];
    ids       uuid[];
    expected  integer[];
    lists     jsonb[];
    prefixes  text[];
    versions  integer[];
    positions bigint[];
BEGIN
    PERFORM event_store.check_appends(append_to_aggregates.appends);

    SELECT array_agg(item.value ->> 'aggregate_type' ORDER BY item.place),
           array_agg((item.value ->> 'aggregate_id')::uuid ORDER BY item.place),
           array_agg((item.value ->> 'expected_version')::integer ORDER BY item.place),
           array_agg(item.value -> 'events' ORDER BY item.place),
           array_agg(format('appends[%s].', item.place - 1) ORDER BY item.place)
      INTO types, ids, expected, lists, prefixes
      FROM jsonb_array_elements(append_to_aggregates.appends) WITH ORDINALITY AS item (value, place);

    SELECT a.event_versions, a.global_positions
      INTO versions, positions
      FROM event_store.append_lists(
               types, ids, expected, lists, prefixes, append_to_aggregates.actor, append_to_aggregates.actor_type,
               append_to_aggregates.source, append_to_aggregates.causation_id, append_to_aggregates.correlation_id,
               append_to_aggregates.command_id, append_to_aggregates.command_type,
               append_to_aggregates.command_data) a;

    RETURN QUERY SELECT * FROM unnest(types, ids, versions, positions);
END
$$;
