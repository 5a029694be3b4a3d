-- Whether a value is what an event, or an item of a query, may have as tags: nothing, null, or an array of at most 100 texts
-- of 1 to 255 characters. Not for the application.
CREATE OR REPLACE FUNCTION event_store.are_tags(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE coalesce(jsonb_typeof(value), 'null')
           WHEN 'null' THEN true
           WHEN 'array' THEN jsonb_array_length(value) <= 100 AND NOT EXISTS (
               SELECT FROM jsonb_array_elements(value) AS t (tag)
                WHERE jsonb_typeof(t.tag) <> 'string' OR length(t.tag #>> '{}') NOT BETWEEN 1 AND 255)
           ELSE false END
$$;
