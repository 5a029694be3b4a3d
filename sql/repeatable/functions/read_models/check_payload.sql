-- Refuses a payload that the read model of its aggregate cannot take, and names the first field that is wrong: see
-- payload_fields(). data is the revealed payload. What has been erased may be missing.
--
-- SE007 the payload lacks a field, or a field is not a value that the read model takes.
CREATE OR REPLACE FUNCTION projections.check_payload(aggregate_type text, event_type text, data jsonb) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    field   record;
    value   jsonb;
    problem text;
BEGIN
    FOR field IN
        SELECT f.name, f.type, f.need, f.most, f.allowed
          FROM projections.payload_fields() f
         WHERE f.aggregate_type = check_payload.aggregate_type AND f.event_type = check_payload.event_type
    LOOP
        value := nullif(data -> field.name, 'null');
        IF value IS NULL THEN
            CONTINUE WHEN field.need = 'no' OR (field.need = 'if named' AND (data ? field.name) IS NOT TRUE)
                       OR projections.is_erased(data, field.name);
            problem := 'is missing';
        ELSIF field.type = 'preferences' THEN
            problem := CASE
                WHEN jsonb_typeof(value) <> 'object' THEN 'is not an object'
                WHEN EXISTS (SELECT FROM jsonb_object_keys(value) k (key) WHERE length(k.key) > field.most)
                    THEN format('has a key of more than %s characters', field.most) END;
        ELSIF field.type = 'keys' THEN
            problem := CASE
                WHEN jsonb_typeof(value) <> 'array'
                     OR EXISTS (SELECT FROM jsonb_array_elements(value) WITH ORDINALITY AS k (item, place)
                                 WHERE jsonb_typeof(k.item) <> 'string'
                                   AND NOT projections.is_erased(data, 'keys/' || (k.place - 1)))
                    THEN 'is not an array of texts' END;
        ELSE
            -- Each raises an error of its own.
            CASE field.type
                WHEN 'uuid' THEN PERFORM projections.field(data, field.name, NULL::uuid);
                WHEN 'timestamptz' THEN PERFORM projections.field(data, field.name, NULL::timestamptz);
                WHEN 'date' THEN PERFORM projections.field(data, field.name, NULL::date);
                WHEN 'numeric' THEN PERFORM projections.field(data, field.name, NULL::numeric);
                WHEN 'text' THEN PERFORM projections.field(data, field.name, NULL::text);
            END CASE;
            problem := CASE
                WHEN length(data ->> field.name) > field.most THEN format('has more than %s characters', field.most)
                WHEN data ->> field.name <> ALL (field.allowed)
                    THEN 'is not one of ' || array_to_string(field.allowed, ', ') END;
        END IF;
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'the field "%" of the payload %', field.name, problem
                USING ERRCODE = 'SE007', DETAIL = format('path: $.%s', field.name);
        END IF;
    END LOOP;
END
$$;
