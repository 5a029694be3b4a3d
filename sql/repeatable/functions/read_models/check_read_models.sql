-- Refuses events whose payload the read model of their aggregate cannot take: who sends them can correct them, and
-- nobody can once they are stored. Envelopes are opened, so one whose key was rolled back is refused as well. A payload
-- with none of the fields is let through, because another application may have an idea of its own of that name; the read
-- model leaves it out. A payload that says itself what was erased is refused: "$erased" is what reveal() says.
--
-- events: as for append_events(), well formed. prefix: as for append_lists(). timezone and datestyle as in
-- apply_events(): the answer is the same in every session. Not for the application.
-- SE002 an envelope in a payload cannot be opened; SE007 a payload is not what its read model takes.
CREATE OR REPLACE FUNCTION event_store.check_read_models(aggregate_type text, events jsonb, prefix text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
#variable_conflict use_column
DECLARE
    item    record;
    data    jsonb;
    problem text;
    path    text;
    code    text;
BEGIN
    IF projections.takes_payloads(check_read_models.aggregate_type, check_read_models.events) THEN
        RETURN;
    END IF;
    FOR item IN
        SELECT e.event ->> 'event_type' AS event_type, e.event -> 'event_data' AS event_data, e.place - 1 AS place,
               f.names
          FROM jsonb_array_elements(check_read_models.events) WITH ORDINALITY AS e (event, place)
          JOIN (SELECT p.event_type, array_agg(p.name) AS names
                  FROM projections.payload_fields() p
                 WHERE p.aggregate_type = check_read_models.aggregate_type
                 GROUP BY p.event_type) f ON f.event_type = e.event ->> 'event_type'
         ORDER BY e.place
    LOOP
        BEGIN
            IF item.event_data ? '$erased' THEN
                RAISE EXCEPTION 'it says itself what was erased'
                    USING ERRCODE = 'SE007', DETAIL = 'path: $."$erased"';
            END IF;
            data := event_store.reveal(item.event_data);
            IF data ?| item.names THEN
                PERFORM projections.check_payload(check_read_models.aggregate_type, item.event_type, data);
            END IF;
            CONTINUE;
        EXCEPTION
            WHEN SQLSTATE 'SE002' OR SQLSTATE 'SE007' THEN
                GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, path = PG_EXCEPTION_DETAIL, code = RETURNED_SQLSTATE;
            WHEN program_limit_exceeded THEN
                problem := 'it is nested too deeply';
                path := 'path: $';
                code := 'SE007';
        END;
        RAISE EXCEPTION 'the payload of % is not what its read model takes: %', item.event_type, problem
            USING ERRCODE = code,
                  DETAIL = concat(check_read_models.prefix || format('events[%s], ', item.place), path),
                  HINT = 'Correct event_data, or choose another aggregate_type if the event is not meant for the read model. '
                      || 'An envelope is stored as event_store.protect() returned it, in the same transaction or after its '
                      || 'commit.';
    END LOOP;
END
$$;
