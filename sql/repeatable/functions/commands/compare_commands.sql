-- Refuses a command whose id was recorded with other content. Not for the application. SE004.
CREATE OR REPLACE FUNCTION event_store.compare_commands(recorded event_store.commands, repeated event_store.commands)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF (recorded.command_type, recorded.aggregate_type, recorded.aggregate_id, recorded.data)
       IS DISTINCT FROM (repeated.command_type, repeated.aggregate_type, repeated.aggregate_id, repeated.data)
       OR recorded.content_hash IS DISTINCT FROM repeated.content_hash
    THEN
        RAISE EXCEPTION 'command % was recorded with other content', repeated.command_id
            USING ERRCODE = 'SE004',
                  DETAIL = format('recorded: %s on %s %s at %s; repeated: %s on %s %s', recorded.command_type,
                                  recorded.aggregate_type, recorded.aggregate_id, recorded.processed_at,
                                  repeated.command_type, repeated.aggregate_type, repeated.aggregate_id)
                           || CASE WHEN (recorded.command_type, recorded.aggregate_type, recorded.aggregate_id)
                                        = (repeated.command_type, repeated.aggregate_type, repeated.aggregate_id)
                                   THEN ', with other data or events' ELSE '' END,
                  HINT = 'Give a new command a new id; repeat a command with exactly its first content.';
    END IF;
END
$$;
