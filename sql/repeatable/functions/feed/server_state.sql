-- Which server this is, as far as lost transactions are concerned: a history that is lost was lost while the server was
-- down, or when a standby took over.
--
-- server_start: when the checkpointer has started. It lives exactly as long as the server's shared memory. After a crash of
-- a backend the postmaster goes on, and so does its start time, but all memory and all sessions are new, and a commit that
-- was not flushed is gone. timeline: of the WAL that is being written; NULL during recovery. The control file would name
-- the old one for a while after a promotion.
--
-- It is the superuser's, because nobody else sees when a process has started that is not a session.
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.server_state(OUT server_start timestamptz, OUT timeline bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT pg_is_in_recovery() THEN
        timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint;
    END IF;
    SELECT a.backend_start INTO server_start FROM pg_stat_activity a WHERE a.backend_type = 'checkpointer';
    server_start := coalesce(server_start, pg_postmaster_start_time());
END
$$;

REVOKE ALL ON FUNCTION event_store.server_state FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.server_state TO event_store_owner;
SET LOCAL ROLE event_store_owner;
