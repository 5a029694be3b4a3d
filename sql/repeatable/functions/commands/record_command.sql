-- Records a command that appends nothing itself, in the transaction of whatever the command does. true = recorded now;
-- false = the same command was recorded before (do nothing more). If two senders send the same command at once, the
-- second waits for the first to commit. For a command that appends, pass command_id to the append instead.
--
-- SE002 malformed command; SE004 the id was recorded with other content; 54000 the transaction has too many locks.
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
    command  event_store.commands;
    recorded event_store.commands;
BEGIN
    IF (record_command.command_id IS NOT NULL
        AND length(record_command.command_type) BETWEEN 1 AND 255
        AND length(record_command.aggregate_type) BETWEEN 1 AND 255
        AND record_command.aggregate_id IS NOT NULL
        AND record_command.data IS NOT NULL
        AND length(record_command.actor) <= 255
        AND record_command.actor_type IN ('user', 'service', 'system')
        AND record_command.source IN ('ui', 'api', 'import', 'webhook', 'system')) IS NOT TRUE
    THEN
        PERFORM event_store.refuse_malformed(
            record_command.aggregate_type, record_command.aggregate_id, record_command.actor, record_command.actor_type,
            record_command.source, record_command.command_id, coalesce(record_command.command_type, ''),
            CASE WHEN record_command.command_id IS NULL THEN 'command_id is NULL' ELSE 'data is NULL' END);
    END IF;

    PERFORM event_store.refuse_many_locks(1);
    PERFORM event_store.lock_command(record_command.command_id);
    SELECT * INTO recorded FROM event_store.commands c WHERE c.command_id = record_command.command_id;
    IF NOT FOUND THEN
        INSERT INTO event_store.commands (
            command_id, command_type, aggregate_type, aggregate_id, processed_at, data, actor, actor_type, source)
        VALUES (
            record_command.command_id, record_command.command_type, record_command.aggregate_type,
            record_command.aggregate_id, clock_timestamp(), record_command.data, record_command.actor,
            record_command.actor_type, record_command.source);
        RETURN true;
    END IF;

    command.command_id := record_command.command_id;
    command.command_type := record_command.command_type;
    command.aggregate_type := record_command.aggregate_type;
    command.aggregate_id := record_command.aggregate_id;
    command.data := record_command.data;
    -- If an append recorded this id, the events that it was compared by are not known here.
    command.content_hash := recorded.content_hash;
    PERFORM event_store.compare_commands(recorded, command);
    RETURN false;
END
$$;
