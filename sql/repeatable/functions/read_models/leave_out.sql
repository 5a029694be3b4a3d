-- Notes that a projection leaves out an event, and why. The projection goes on: what one person sends must not stop
-- everybody's rows.
--
-- What a rebuild leaves out is noted as of "NAME (rebuild)" until its rows are taken over: the rows that are read until
-- then may take what the new ones do not, and the other way round. apply_events() says by search_path which it is.
CREATE OR REPLACE FUNCTION projections.leave_out(projection_name text, event event_store.events, problem text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO event_store.unapplied_events AS u (projection_name, event_id, problem)
    VALUES (leave_out.projection_name
            || CASE WHEN starts_with(current_setting('search_path'), 'projections_rebuild,') THEN ' (rebuild)' ELSE '' END,
            event.event_id, leave_out.problem)
    ON CONFLICT (projection_name, event_id) DO UPDATE SET problem = excluded.problem, noted_at = clock_timestamp();
    RAISE WARNING 'projection % leaves out event %: %', leave_out.projection_name, event.event_id, leave_out.problem
        USING HINT = 'SELECT * FROM event_store.unapplied_events shows all of them.';
END
$$;
