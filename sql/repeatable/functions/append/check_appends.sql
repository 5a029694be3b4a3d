-- Refuses anything but a list of appends to different aggregates, and says which part of it is wrong. append_lists()
-- checks the events themselves. SE002 malformed.
--
-- A call holds a lock for each of its aggregates: refuse_many_locks() says why there is a maximum.
CREATE OR REPLACE FUNCTION event_store.check_appends(appends jsonb) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    append  jsonb;
    place   text;
    most    constant integer := 1000;
    problem text;
    key     text;
BEGIN
    IF (jsonb_typeof(check_appends.appends) = 'array' AND check_appends.appends <> '[]') IS NOT TRUE THEN
        problem := 'appends is not a JSON array with at least one object';
    ELSIF jsonb_array_length(check_appends.appends) > most THEN
        problem := format('appends has %s objects, which is more than %s', jsonb_array_length(check_appends.appends), most);
    ELSE
        FOR append, place IN
            SELECT item.value, format('appends[%s]', item.place - 1)
              FROM jsonb_array_elements(check_appends.appends) WITH ORDINALITY AS item (value, place)
             ORDER BY item.place
        LOOP
            SELECT k.key INTO key
              FROM jsonb_object_keys(CASE jsonb_typeof(append) WHEN 'object' THEN append ELSE '{}' END) AS k (key)
             WHERE k.key NOT IN ('aggregate_type', 'aggregate_id', 'expected_version', 'events') LIMIT 1;
            problem := CASE
                WHEN jsonb_typeof(append) <> 'object' THEN place || ' is not a JSON object'
                WHEN key IS NOT NULL THEN format('%s.%s is unknown', place, key)
                WHEN (jsonb_typeof(append -> 'aggregate_type') = 'string'
                      AND length(append ->> 'aggregate_type') BETWEEN 1 AND 255) IS NOT TRUE
                    THEN place || '.aggregate_type is not a text of 1 to 255 characters'
                WHEN (append ->> 'aggregate_id' ~* '^[0-9a-f]{4}(-?[0-9a-f]{4}){7}$') IS NOT TRUE
                    THEN place || '.aggregate_id is not a UUID'
                WHEN append ->> 'expected_version' !~ '^-?[0-9]{1,9}$'
                    THEN place || '.expected_version is not a version, 0, -1 or null' END;
            EXIT WHEN problem IS NOT NULL;
        END LOOP;
        IF problem IS NULL THEN
            SELECT format('appends[%s] names an aggregate for the second time', min(n.again) - 1) INTO problem
              FROM (SELECT (array_agg(item.place ORDER BY item.place))[2] AS again
                      FROM jsonb_array_elements(check_appends.appends) WITH ORDINALITY AS item (value, place)
                     GROUP BY item.value ->> 'aggregate_type', (item.value ->> 'aggregate_id')::uuid) n
            HAVING min(n.again) IS NOT NULL;
        END IF;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'malformed: %', problem
            USING ERRCODE = 'SE002',
                  HINT = format('Pass [{"aggregate_type": "...", "aggregate_id": "...", "expected_version": 0, '
                                '"events": [...]}, ...], at most %s of them.', most);
    END IF;
END
$$;
