-- Waits until nobody else is processing this command. If it was processed before, returns its record, with its first
-- result. Otherwise returns what complete_command() has to record, with processed_at NULL.
--
-- event_lists: a command without command_data is compared by the types, schema versions and payloads of these events.
-- Ids, metadata and causes are not compared, because a sender that tries again generates new ones.
-- aggregates: all aggregates, if there are several; the columns of the record name only the first.
--
-- Not for the application. SE002 malformed; SE004 recorded with other content.
CREATE OR REPLACE FUNCTION event_store.begin_command(
    command_id     uuid,
    command_type   text,
    aggregate_type text,
    aggregate_id   uuid,
    command_data   jsonb,
    event_lists    jsonb[],
    aggregates     jsonb
)
RETURNS event_store.commands
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    command  event_store.commands;
    recorded event_store.commands;
    content  jsonb;
BEGIN
    IF length(begin_command.command_type) NOT BETWEEN 1 AND 255 THEN
        PERFORM event_store.refuse_malformed(begin_command.aggregate_type, begin_command.aggregate_id, 'system', 'system',
                                             'system', begin_command.command_id, begin_command.command_type, NULL);
    END IF;
    command.command_id := begin_command.command_id;
    command.command_type := coalesce(begin_command.command_type, 'append');
    command.aggregate_type := begin_command.aggregate_type;
    command.aggregate_id := begin_command.aggregate_id;
    command.data := coalesce(begin_command.command_data, '{}');
    IF begin_command.command_data IS NULL THEN
        content := (SELECT jsonb_agg(jsonb_build_array(item ->> 'event_type',
                                                       coalesce(nullif(item -> 'schema_version', 'null'), '1'),
                                                       item -> 'event_data')
                                     -- Without tags the content is what it was before there were tags.
                                     || CASE WHEN coalesce(item -> 'tags', '[]') IN ('null', '[]') THEN '[]'
                                             ELSE jsonb_build_array(item -> 'tags') END ORDER BY list.place, event.place)
                      FROM unnest(begin_command.event_lists) WITH ORDINALITY AS list (events, place)
                     CROSS JOIN jsonb_array_elements(list.events) WITH ORDINALITY AS event (item, place));
    END IF;
    IF num_nonnulls(content, begin_command.aggregates) > 0 THEN
        command.content_hash := sha256(convert_to(
            jsonb_build_object('aggregates', begin_command.aggregates, 'events', content)::text, 'UTF8'));
    END IF;

    PERFORM event_store.lock_command(command.command_id);
    SELECT * INTO recorded FROM event_store.commands c WHERE c.command_id = begin_command.command_id;
    IF NOT FOUND THEN
        RETURN command;
    END IF;
    PERFORM event_store.compare_commands(recorded, command);
    IF recorded.event_versions IS NULL THEN
        -- There is no result to return. Whoever appends with this id would not notice that nothing was appended.
        RAISE EXCEPTION 'command % was recorded without events', command.command_id
            USING ERRCODE = 'SE004',
                  DETAIL = format('recorded: %s on %s %s at %s', recorded.command_type, recorded.aggregate_type,
                                  recorded.aggregate_id, recorded.processed_at),
                  HINT = 'Either record_command() and then append without command_id, or append with command_id.';
    END IF;
    RETURN recorded;
END
$$;
