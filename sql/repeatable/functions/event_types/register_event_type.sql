-- Registers an event type with the JSON schema of its payload, or changes what is registered to this state. This is
-- data, not DDL: the application calls it whenever it is deployed, as often as it likes. true = something has changed.
--
-- schema_version: 1 or more. If events are stored under a schema, the schema is never replaced: a different one needs
-- another schema version.
-- validation: 'enforce' refuses payloads that break the schema, 'warn' appends them with a warning, 'off' keeps the
-- schema as documentation.
--
-- SE002 malformed; SE008 the schema is invalid, refers to something outside itself, or replaces one under which events
-- are stored, or the event type is the store's own.
CREATE OR REPLACE FUNCTION event_store.register_event_type(
    event_type     text,
    schema_version integer,
    json_schema    jsonb,
    validation     text DEFAULT 'enforce',
    description    text DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    registered event_store.event_types;
BEGIN
    IF (length(register_event_type.event_type) BETWEEN 1 AND 255 AND register_event_type.schema_version >= 1
        AND register_event_type.json_schema IS NOT NULL
        AND register_event_type.validation IN ('off', 'warn', 'enforce')) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'malformed: an event type, a schema version, a JSON schema and a validation are needed'
            USING ERRCODE = 'SE002',
                  HINT = 'event_type is a text of 1 to 255 characters, schema_version is 1 or more, validation is off, warn or '
                      || 'enforce.';
    END IF;
    IF register_event_type.event_type = 'PersonalDataErased' THEN
        RAISE EXCEPTION 'the event type PersonalDataErased is the store''s own'
            USING ERRCODE = 'SE008',
                  DETAIL = 'Another schema could make every erasure fail.',
                  HINT = 'Choose another name for your event type.';
    END IF;
    -- An application calls this at each start. If there is nothing to change, it waits for nobody.
    IF EXISTS (SELECT FROM event_store.event_types t
                WHERE t.event_type = register_event_type.event_type::varchar
                  AND t.schema_version = register_event_type.schema_version
                  AND t.json_schema = register_event_type.json_schema
                  AND t.validation = register_event_type.validation
                  AND t.description IS NOT DISTINCT FROM coalesce(register_event_type.description, t.description))
    THEN
        RETURN false;
    END IF;
    PERFORM event_store.check_json_schema(
        register_event_type.event_type, register_event_type.schema_version, register_event_type.json_schema);

    PERFORM event_store.lock_event_type(register_event_type.event_type);
    SELECT * INTO registered
      FROM event_store.event_types t
     WHERE t.event_type = register_event_type.event_type::varchar
       AND t.schema_version = register_event_type.schema_version;
    IF registered.json_schema <> register_event_type.json_schema AND EXISTS (
        SELECT FROM event_store.events e
         WHERE e.event_type = register_event_type.event_type::varchar
           AND e.schema_version = register_event_type.schema_version)
    THEN
        RAISE EXCEPTION 'the JSON schema of % with schema version % cannot be replaced', register_event_type.event_type,
            register_event_type.schema_version
            USING ERRCODE = 'SE008',
                  DETAIL = 'Events of this schema version are stored.',
                  HINT = format('Register the new schema with another schema version: %s is free.', (
                      SELECT max(t.schema_version) + 1
                        FROM event_store.event_types t
                       WHERE t.event_type = register_event_type.event_type::varchar));
    END IF;

    INSERT INTO event_store.event_types AS t (event_type, schema_version, json_schema, validation, description)
    VALUES (register_event_type.event_type, register_event_type.schema_version, register_event_type.json_schema,
            register_event_type.validation, register_event_type.description)
    ON CONFLICT (event_type, schema_version) DO UPDATE
       SET json_schema = excluded.json_schema,
           validation = excluded.validation,
           description = coalesce(excluded.description, t.description),
           updated_at = clock_timestamp()
     WHERE (t.json_schema, t.validation, t.description)
           IS DISTINCT FROM (excluded.json_schema, excluded.validation, coalesce(excluded.description, t.description));
    RETURN FOUND;
END
$$;
