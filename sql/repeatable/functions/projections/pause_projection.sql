-- Stops feeding a projection until resume_projection(); its rows stay readable. A rebuild goes on.
--
-- SE013 unknown projection.
CREATE OR REPLACE FUNCTION event_store.pause_projection(projection_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.locked_projection(pause_projection.projection_name);
    UPDATE event_store.projections p
       SET status = 'paused', updated_at = clock_timestamp()
     WHERE p.projection_name = pause_projection.projection_name::varchar;
END
$$;
