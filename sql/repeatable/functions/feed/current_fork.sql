-- The fork that the present history of the store began with; recorded here if it is due. Who numbers events by a number of
-- their own has to begin anew above its first_position, as the store does: see docs/epochs.md.
--
-- SE012 the store was restored into another cluster; SE019 a new history begins and is not recorded yet.
CREATE OR REPLACE FUNCTION event_store.current_fork() RETURNS event_store.forks
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    present event_store.forks;
BEGIN
    PERFORM event_store.check_history();
    SELECT f.* INTO STRICT present
      FROM event_store.forks f
      JOIN event_store.settings s ON s.fork = f.fork;
    RETURN present;
END
$$;
