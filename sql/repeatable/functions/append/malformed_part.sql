-- The first part of an array of events that cannot be appended, and why: "events[2].event_data is not a JSON object but
-- an array". NULL = all are well formed. Slow: for the error message only.
CREATE OR REPLACE FUNCTION event_store.malformed_part(events jsonb) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    event jsonb;
    place text;
    key   text;
    value text;
BEGIN
    IF jsonb_typeof(events) IS DISTINCT FROM 'array' THEN
        RETURN 'events is not a JSON array but ' || event_store.json_kind(events);
    ELSIF events = '[]' THEN
        RETURN 'events is empty';
    END IF;

    FOR event, place IN
        SELECT item.value, format('events[%s]', item.place - 1)
          FROM jsonb_array_elements(events) WITH ORDINALITY AS item (value, place)
         ORDER BY item.place
    LOOP
        IF jsonb_typeof(event) <> 'object' THEN
            RETURN place || ' is not a JSON object but ' || event_store.json_kind(event);
        ELSIF (jsonb_typeof(event -> 'event_type') = 'string'
               AND length(event ->> 'event_type') BETWEEN 1 AND 255) IS NOT TRUE
        THEN
            RETURN place || '.event_type is not a text of 1 to 255 characters';
        ELSIF jsonb_typeof(event -> 'event_data') IS DISTINCT FROM 'object' THEN
            RETURN place || '.event_data is not a JSON object but ' || event_store.json_kind(event -> 'event_data');
        ELSIF jsonb_typeof(event -> 'metadata') NOT IN ('object', 'null') THEN
            RETURN place || '.metadata is not a JSON object but ' || event_store.json_kind(event -> 'metadata');
        ELSIF jsonb_typeof(event -> 'schema_version') NOT IN ('number', 'null')
              OR event ->> 'schema_version' !~ '^[1-9][0-9]*$' OR (event ->> 'schema_version')::numeric > 2147483647
        THEN
            RETURN place || '.schema_version is not an integer of 1 or more';
        END IF;
        FOR key, value IN SELECT * FROM jsonb_each_text(event) LOOP
            IF key IN ('event_id', 'causation_id', 'correlation_id') THEN
                BEGIN
                    PERFORM value::uuid;
                EXCEPTION WHEN invalid_text_representation THEN
                    RETURN format('%s.%s is not a UUID', place, key);
                END;
            ELSIF key = 'tags' THEN
                IF NOT event_store.are_texts(event -> 'tags') THEN
                    RETURN format('%s.tags is not an array of at most 100 texts of 1 to 255 characters', place);
                END IF;
            ELSIF key NOT IN ('event_type', 'event_data', 'metadata', 'schema_version') THEN
                RETURN format('%s.%s is unknown', place, key);
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
