-- Lets a paused or failed projection go on where it stopped, and its rebuild as well. The event that failed is tried
-- again: first fix the cause, or call skip_event().
--
-- SE013 unknown projection.
CREATE OR REPLACE FUNCTION event_store.resume_projection(projection_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.locked_projection(resume_projection.projection_name);
    UPDATE event_store.projections p
       SET status = 'active', error_message = NULL, error_sqlstate = NULL, failed_event_id = NULL,
           failed_global_position = NULL, retry_at = NULL, updated_at = clock_timestamp()
     WHERE p.projection_name = resume_projection.projection_name::varchar AND p.status <> 'active'
       -- If the checkpoint was lost, there is nothing to go on from.
       AND p.definition_version > 0;
    UPDATE event_store.projection_rebuilds b
       SET status = 'active', error_message = NULL, error_sqlstate = NULL, failed_event_id = NULL,
           failed_global_position = NULL, retry_at = NULL, updated_at = clock_timestamp()
     WHERE b.projection_name = resume_projection.projection_name::varchar AND b.status <> 'active';
END
$$;
