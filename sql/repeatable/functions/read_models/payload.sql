-- The revealed payload of an event that a read model applies. NULL = the read model cannot take it: it is noted and left
-- out. Payloads are checked when they are appended; this is for those that are older, or came past the functions.
CREATE OR REPLACE FUNCTION projections.payload(projection_name text, event event_store.events) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    data jsonb;
BEGIN
    data := event_store.reveal(event.event_data);
    PERFORM projections.check_payload(event.aggregate_type, event.event_type, data);
    RETURN data;
EXCEPTION
    WHEN SQLSTATE 'SE002' OR SQLSTATE 'SE007' THEN
        PERFORM projections.leave_out(projection_name, event, SQLERRM);
        RETURN NULL;
    WHEN program_limit_exceeded THEN
        PERFORM projections.leave_out(projection_name, event, 'the payload is nested too deeply');
        RETURN NULL;
END
$$;
