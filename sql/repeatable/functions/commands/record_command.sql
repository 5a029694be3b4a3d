-- Records a command in the transaction of its events: true = recorded now, false = the same command was recorded before
-- (do nothing more). Two senders of one command at once: the second waits for the first to commit.
--
-- SE004 the id was recorded with other content.
CREATE OR REPLACE FUNCTION event_store.record_command(
    command_id     uuid,
    command_type   text,
    aggregate_type text,
    aggregate_id   uuid,
    data           jsonb DEFAULT '{}',
    actor          text DEFAULT 'system',
    actor_type     text DEFAULT 'system',
    source         text DEFAULT 'system'
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    recorded event_store.commands;
BEGIN
    INSERT INTO event_store.commands (
        command_id, command_type, aggregate_type, aggregate_id, processed_at, data, actor, actor_type, source)
    VALUES (
        record_command.command_id, record_command.command_type, record_command.aggregate_type,
        record_command.aggregate_id, clock_timestamp(), record_command.data, record_command.actor,
        record_command.actor_type, record_command.source)
    ON CONFLICT (command_id) DO NOTHING;
    IF FOUND THEN
        RETURN true;
    END IF;

    SELECT * INTO STRICT recorded FROM event_store.commands c WHERE c.command_id = record_command.command_id;
    IF (recorded.command_type, recorded.aggregate_type, recorded.aggregate_id, recorded.data)
       IS DISTINCT FROM
       (record_command.command_type, record_command.aggregate_type, record_command.aggregate_id, record_command.data)
    THEN
        RAISE EXCEPTION 'command % was recorded with other content', record_command.command_id
            USING ERRCODE = 'SE004',
                  DETAIL = format('recorded: %s on %s %s at %s', recorded.command_type, recorded.aggregate_type,
                                  recorded.aggregate_id, recorded.processed_at),
                  HINT = 'Give a new command a new id; repeat a command with exactly its first content.';
    END IF;
    RETURN false;
END
$$;
