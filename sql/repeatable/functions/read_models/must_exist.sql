-- Stops a projection at an event about something that no earlier event has created. If the data of the creating event
-- were erased, there may be no row, although it was created: then the event has nothing to change, and that is no
-- reason to stop.
--
-- SE007 it does not exist; SE002 an envelope in the event that should have created it cannot be opened.
CREATE OR REPLACE FUNCTION projections.must_exist(is_there boolean, event event_store.events, made_by text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF is_there THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM event_store.events e
                    WHERE e.aggregate_type = event.aggregate_type AND e.aggregate_id = event.aggregate_id
                      AND e.event_version < event.event_version AND e.event_type = made_by::varchar
                      AND event_store.reveal(e.event_data) ? '$erased')
    THEN
        RAISE EXCEPTION '% of % %, which no earlier event has created', event.event_type, event.aggregate_type,
                        event.aggregate_id
            USING ERRCODE = 'SE007', HINT = 'The event can never be changed: skip_event() passes over it.';
    END IF;
END
$$;
