-- Lets a paused or failed projection go on where it stopped, and its rebuild as well. The event that failed is tried
-- again: first fix the cause, or call skip_event().
--
-- If the checkpoint was lost, there is nothing to go on from: then only a rebuild helps, and the call is refused unless
-- one is under way. That one goes on, and its rows take the place of the old ones.
--
-- SE013 unknown projection, or the checkpoint is lost.
CREATE OR REPLACE FUNCTION event_store.resume_projection(projection_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    is_lost boolean;
BEGIN
    PERFORM event_store.locked_projection(resume_projection.projection_name);
    SELECT p.definition_version = 0 INTO is_lost
      FROM event_store.projections p
     WHERE p.projection_name = resume_projection.projection_name::varchar;
    IF is_lost AND NOT EXISTS (SELECT FROM event_store.projection_rebuilds b
                                WHERE b.projection_name = resume_projection.projection_name::varchar
                                  -- 0: it could not begin, see note_failed_rebuild().
                                  AND b.definition_version > 0)
    THEN
        RAISE EXCEPTION 'the checkpoint of the projection % is lost: there is nothing to go on from',
                        resume_projection.projection_name
            USING ERRCODE = 'SE013',
                  HINT = CASE WHEN EXISTS (SELECT FROM event_store.retirements)
                         THEN 'Build it again from the events that are left: '
                              'event_store.rebuild_projection(..., without_retired => true).'
                         ELSE 'The worker builds it again by itself; event_store.rebuild_projection() does it now.' END;
    END IF;
    -- Without its checkpoint it is not paused any more, but waits for the rebuild.
    UPDATE event_store.projections p
       SET status = CASE WHEN is_lost THEN 'failed' ELSE 'active' END,
           error_message = CASE WHEN is_lost THEN 'the checkpoint is lost: a rebuild is under way' END,
           error_sqlstate = CASE WHEN is_lost THEN 'SE013' END,
           failed_event_id = NULL, failed_global_position = NULL, retry_at = NULL, updated_at = clock_timestamp()
     WHERE p.projection_name = resume_projection.projection_name::varchar AND p.status <> 'active';
    UPDATE event_store.projection_rebuilds b
       SET status = 'active', error_message = NULL, error_sqlstate = NULL, failed_event_id = NULL,
           failed_global_position = NULL, retry_at = NULL, updated_at = clock_timestamp()
     WHERE b.projection_name = resume_projection.projection_name::varchar AND b.status <> 'active';
END
$$;
