-- Only one session at a time processes a command. A second one waits here until the first has ended, and then finds the
-- command recorded if the first has committed. Not for the application.
CREATE OR REPLACE FUNCTION event_store.lock_command(command_id uuid) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    SELECT pg_advisory_xact_lock(uuid_hash_extended(command_id, 1))
$$;
