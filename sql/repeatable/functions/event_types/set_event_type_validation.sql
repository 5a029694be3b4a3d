-- Sets how the payloads of an event type are validated from now on: 'enforce', 'warn' or 'off'. Applies to all schema
-- versions of the type, or to one. Returns the number of schema versions whose validation has changed.
--
-- SE002 malformed; SE006 unknown event type; SE008 the stored schema is invalid, because it was never checked, or the
-- event type is the store's own.
CREATE OR REPLACE FUNCTION event_store.set_event_type_validation(
    event_type     text,
    validation     text,
    schema_version integer DEFAULT NULL
)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    registered event_store.event_types;
    changed    integer := 0;
    is_known   boolean := false;
    is_so      boolean;
BEGIN
    IF (set_event_type_validation.validation IN ('off', 'warn', 'enforce')) IS NOT TRUE THEN
        RAISE EXCEPTION 'malformed: validation is not off, warn or enforce'
            USING ERRCODE = 'SE002', HINT = 'Pass ''off'', ''warn'' or ''enforce''.';
    END IF;
    IF set_event_type_validation.event_type = 'PersonalDataErased' THEN
        RAISE EXCEPTION 'the event type PersonalDataErased is the store''s own'
            USING ERRCODE = 'SE008',
                  DETAIL = 'Another schema could make every erasure fail.',
                  HINT = 'Choose another name for your event type.';
    END IF;
    -- If there is nothing to change, it waits for nobody.
    SELECT bool_and(t.validation = set_event_type_validation.validation)
      INTO is_so
      FROM event_store.event_types t
     WHERE t.event_type = set_event_type_validation.event_type::varchar
       AND t.schema_version = coalesce(set_event_type_validation.schema_version, t.schema_version);
    IF is_so THEN
        RETURN 0;
    END IF;
    PERFORM event_store.lock_event_type(set_event_type_validation.event_type);
    FOR registered IN
        SELECT *
          FROM event_store.event_types t
         WHERE t.event_type = set_event_type_validation.event_type::varchar
           AND t.schema_version = coalesce(set_event_type_validation.schema_version, t.schema_version)
         ORDER BY t.schema_version
    LOOP
        is_known := true;
        IF set_event_type_validation.validation <> 'off' THEN
            PERFORM event_store.check_json_schema(
                registered.event_type, registered.schema_version, registered.json_schema);
        END IF;
        UPDATE event_store.event_types t
           SET validation = set_event_type_validation.validation, updated_at = clock_timestamp()
         WHERE t.event_type = registered.event_type
           AND t.schema_version = registered.schema_version
           AND t.validation <> set_event_type_validation.validation;
        IF FOUND THEN
            changed := changed + 1;
        END IF;
    END LOOP;
    IF NOT is_known THEN
        RAISE EXCEPTION 'unknown event type: %',
            concat_ws(' with schema version ', set_event_type_validation.event_type,
                      set_event_type_validation.schema_version)
            USING ERRCODE = 'SE006', HINT = 'Register it with event_store.register_event_type().';
    END IF;
    RETURN changed;
END
$$;
