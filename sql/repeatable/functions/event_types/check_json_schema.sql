-- Refuses what is not a JSON schema, and a schema that refers to something outside itself. Not for the application.
-- SE008 JSON schema refused.
CREATE OR REPLACE FUNCTION event_store.check_json_schema(event_type text, schema_version integer, json_schema jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    problems text;
BEGIN
    SELECT string_agg(format('%s: %s', coalesce(p.path, '$'), p.problem), E'\n' ORDER BY p.path COLLATE "C", p.problem COLLATE "C")
      INTO problems
      FROM event_store.json_schema_problems(check_json_schema.json_schema) p;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'the JSON schema of % with schema version % is refused', check_json_schema.event_type,
            check_json_schema.schema_version
            USING ERRCODE = 'SE008', DETAIL = problems,
                  HINT = 'Correct it: Draft 2020-12 unless "$schema" names another, references inside the schema only.';
    END IF;
END
$$;
