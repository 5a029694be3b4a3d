-- Stops a projection at an event about something that no event before it has made.
--
-- SE007 it is not there.
CREATE OR REPLACE FUNCTION projections.must_exist(is_there boolean, event event_store.events) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF NOT is_there THEN
        RAISE EXCEPTION '% of % %, which no event before has made', event.event_type, event.aggregate_type, event.aggregate_id
            USING ERRCODE = 'SE007', HINT = 'The event can never be changed: skip_event() passes over it.';
    END IF;
END
$$;
