-- Makes a projection pass over one event, now and in every rebuild. Who did that, when and why is recorded in
-- event_store.projection_skips. If the projection had failed at that event, call resume_projection() afterwards.
--
-- SE002 no reason, or no such event; SE013 unknown projection.
CREATE OR REPLACE FUNCTION event_store.skip_event(projection_name text, event_id uuid, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.locked_projection(skip_event.projection_name);
    IF (skip_event.reason <> '') IS NOT TRUE
       OR NOT EXISTS (SELECT FROM event_store.events e WHERE e.event_id = skip_event.event_id)
    THEN
        RAISE EXCEPTION 'event % cannot be skipped', skip_event.event_id
            USING ERRCODE = 'SE002', HINT = 'Name an event that is stored, and a reason.';
    END IF;
    INSERT INTO event_store.projection_skips (projection_name, event_id, reason, error_message)
    VALUES (
        skip_event.projection_name, skip_event.event_id, skip_event.reason,
        (SELECT format('SQLSTATE %s: %s', f.error_sqlstate, f.error_message)
           FROM (SELECT p.projection_name, p.failed_event_id, p.error_sqlstate, p.error_message
                   FROM event_store.projections p
                 UNION ALL
                 SELECT b.projection_name, b.failed_event_id, b.error_sqlstate, b.error_message
                   FROM event_store.projection_rebuilds b) f
          WHERE f.projection_name = skip_event.projection_name::varchar AND f.failed_event_id = skip_event.event_id
          LIMIT 1))
    ON CONFLICT (projection_name, event_id) WHERE revoked_at IS NULL DO NOTHING;
END
$$;
