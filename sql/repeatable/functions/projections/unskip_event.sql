-- Undoes skip_event(): true if the event was being skipped. The projection does not go back to an event before its
-- checkpoint: if the rows should contain that event, call rebuild_projection().
--
-- SE013 unknown projection.
CREATE OR REPLACE FUNCTION event_store.unskip_event(projection_name text, event_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.locked_projection(unskip_event.projection_name);
    UPDATE event_store.projection_skips s
       SET revoked_at = clock_timestamp(),
           revoked_by = CASE WHEN session_user IN ('stock_analysis_user_a', 'stock_analysis_user_b')
                             THEN 'stock_analysis_user' ELSE session_user END
     WHERE s.projection_name = unskip_event.projection_name::varchar AND s.event_id = unskip_event.event_id
       AND s.revoked_at IS NULL;
    RETURN FOUND;
END
$$;
