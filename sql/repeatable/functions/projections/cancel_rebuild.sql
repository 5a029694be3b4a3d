-- Cancels a rebuild, if there is one: its tables are dropped, and the rows that are read stay as they are. True if
-- there was one.
--
-- SE013 unknown projection.
CREATE OR REPLACE FUNCTION event_store.cancel_rebuild(projection_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    table_name  text;
    table_names text[];
    was_there   boolean;
BEGIN
    SELECT d.tables INTO table_names FROM event_store.locked_projection(cancel_rebuild.projection_name) d;
    -- Waits for a worker's batch.
    DELETE FROM event_store.projection_rebuilds b WHERE b.projection_name = cancel_rebuild.projection_name::varchar;
    was_there := FOUND;
    DELETE FROM event_store.unapplied_events u
     WHERE u.projection_name = (cancel_rebuild.projection_name || ' (rebuild)')::varchar;
    FOREACH table_name IN ARRAY table_names LOOP
        EXECUTE format('DROP TABLE IF EXISTS projections_rebuild.%I', table_name);
    END LOOP;
    RETURN was_there;
END
$$;
