-- Stops a projection at an event about something that no event before it has made. An event whose data were erased has
-- made it, although no row came of that: what follows then has nothing to change, and is no reason to stop.
--
-- SE007 it is not there; SE002 an envelope in the event that should have made it cannot be opened.
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
        RAISE EXCEPTION '% of % %, which no event before has made', event.event_type, event.aggregate_type,
                        event.aggregate_id
            USING ERRCODE = 'SE007', HINT = 'The event can never be changed: skip_event() passes over it.';
    END IF;
END
$$;
