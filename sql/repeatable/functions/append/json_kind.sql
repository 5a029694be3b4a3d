-- What a value is, for the message that it should have been something else. A text that looks like an object or an array
-- is one that was turned into JSON twice: by the program, and by its driver once more.
CREATE OR REPLACE FUNCTION event_store.json_kind(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'string' THEN 'a string' || CASE WHEN ltrim(value #>> '{}') ~ '^[[{]' THEN ': encoded twice?' ELSE '' END
        WHEN 'array' THEN 'an array'
        WHEN 'object' THEN 'an object'
        WHEN 'number' THEN 'a number'
        WHEN 'boolean' THEN 'a boolean'
        WHEN 'null' THEN 'null'
        ELSE 'missing' END
$$;
