-- Leaves out an event about something that no earlier event has created. If the data of the creating event were erased,
-- there may be no row, although it was created: then the event has nothing to change, and nothing is noted.
CREATE OR REPLACE FUNCTION projections.must_exist(
    is_there        boolean,
    projection_name text,
    event           event_store.events,
    made_by         text
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    is_erased boolean := false;
BEGIN
    IF is_there THEN
        RETURN;
    END IF;
    BEGIN
        is_erased := EXISTS (
            SELECT FROM event_store.events e
             WHERE e.aggregate_type = event.aggregate_type AND e.aggregate_id = event.aggregate_id
               AND e.event_version < event.event_version AND e.event_type = made_by::varchar
               AND event_store.reveal(e.event_data) ? '$erased');
    EXCEPTION WHEN SQLSTATE 'SE002' OR program_limit_exceeded THEN
        -- The creating event cannot be opened, and was left out itself.
        NULL;
    END;
    IF NOT is_erased THEN
        PERFORM projections.leave_out(
            projection_name, event, format('no %s before it could be applied', made_by));
    END IF;
END
$$;
