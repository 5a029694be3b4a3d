-- Records a command with its result, in the transaction of its events. `command` comes from begin_command(). Not for
-- the application.
CREATE OR REPLACE FUNCTION event_store.complete_command(
    command          event_store.commands,
    actor            text,
    actor_type       text,
    source           text,
    event_versions   integer[],
    global_positions bigint[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO event_store.commands (
        command_id, command_type, aggregate_type, aggregate_id, processed_at, actor, actor_type, source, data,
        event_versions, global_positions, content_hash)
    VALUES (
        command.command_id, command.command_type, command.aggregate_type, command.aggregate_id, clock_timestamp(),
        complete_command.actor, complete_command.actor_type, complete_command.source, command.data,
        complete_command.event_versions, complete_command.global_positions, command.content_hash);
END
$$;
