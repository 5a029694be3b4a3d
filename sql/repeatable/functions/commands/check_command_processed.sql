-- Whether a command was recorded before, by an append with its id or by record_command().
CREATE OR REPLACE FUNCTION event_store.check_command_processed(command_id uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM event_store.commands c WHERE c.command_id = check_command_processed.command_id)
$$;
