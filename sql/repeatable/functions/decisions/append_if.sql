-- Appends events if nothing that matches a query has been stored since a reader looked: all of them or none. Returns one row
-- for each aggregate, in the order of the call.
--
-- appends: as for append_to_aggregates(); each event may have tags.
-- query: as for read_events().
-- marker: of read_events() with the same query; NULL = no event may match at all. The events of the call itself do not stand
-- in its way.
-- command_id: as for append_events(); a command that was processed returns its first result, whatever has been stored
-- since.
--
-- Decisions wait for each other, and for appends, only if one could be in the other's way: docs/decisions.md says who
-- waits for whom.
--
-- SE021 an event that matches has been stored: the detail names the first one; SE022 the marker is of another history of the
-- store; 0A000 the transaction is REPEATABLE READ or SERIALIZABLE; 55P03 it has waited for others for two seconds. All
-- others are those of append_to_aggregates().
CREATE OR REPLACE FUNCTION event_store.append_if(
    appends        jsonb,
    query          jsonb,
    marker         text,
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
    PERFORM event_store.check_appends(append_if.appends);
    SELECT array_agg(item.value ->> 'aggregate_type' ORDER BY item.place),
           array_agg((item.value ->> 'aggregate_id')::uuid ORDER BY item.place),
           array_agg((item.value ->> 'expected_version')::integer ORDER BY item.place),
           array_agg(item.value -> 'events' ORDER BY item.place),
           array_agg(format('appends[%s].', item.place - 1) ORDER BY item.place)
      INTO types, ids, expected, lists, prefixes
      FROM jsonb_array_elements(append_if.appends) WITH ORDINALITY AS item (value, place);

    SELECT a.event_versions, a.global_positions
      INTO versions, positions
      FROM event_store.append_lists(
               types, ids, expected, lists, prefixes, append_if.actor, append_if.actor_type,
               append_if.source, append_if.causation_id, append_if.correlation_id,
               append_if.command_id, append_if.command_type, append_if.command_data,
               event_store.query_items(append_if.query), append_if.marker) a;
    RETURN QUERY SELECT * FROM unnest(types, ids, versions, positions);
END
$$;
