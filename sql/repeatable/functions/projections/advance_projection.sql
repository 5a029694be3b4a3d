-- Feeds one projection, and its rebuild if there is one, with at most max_events new events each, in this transaction.
-- Returns the number of events passed. The worker does this by itself; this function is for tests, and for an operator
-- who is looking for an error.
--
-- SE013 unknown projection, or it is paused or failed.
CREATE OR REPLACE FUNCTION event_store.advance_projection(projection_name text, max_events integer DEFAULT 10000)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    unlimited constant interval := '1 hour';
    status    text;
    horizon   xid8;
BEGIN
    SELECT d.status INTO status FROM event_store.locked_projection(advance_projection.projection_name) d;
    IF status <> 'active' THEN
        RAISE EXCEPTION 'the projection % is %', advance_projection.projection_name, status
            USING ERRCODE = 'SE013',
                  DETAIL = (SELECT format('event %s, SQLSTATE %s: %s', p.failed_event_id, p.error_sqlstate, p.error_message)
                              FROM event_store.projections p
                             WHERE p.projection_name = advance_projection.projection_name::varchar
                               AND p.error_message IS NOT NULL),
                  HINT = 'Fix the cause, or call event_store.skip_event(). Then call event_store.resume_projection().';
    END IF;
    horizon := event_store.next_horizon();
    RETURN event_store.advance_rows(advance_projection.projection_name, horizon, advance_projection.max_events, unlimited)
         + event_store.advance_rebuild(
               advance_projection.projection_name, horizon, advance_projection.max_events, unlimited);
END
$$;
