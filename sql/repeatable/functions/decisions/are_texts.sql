-- Whether a value is what an event, or an item of a query, may have as tags or types: nothing, null, or an array of at
-- most 100 texts of 1 to 255 characters. The planner inlines this function. Not for the application.
CREATE OR REPLACE FUNCTION event_store.are_texts(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE jsonb_typeof(value)
           WHEN 'null' THEN true
           WHEN 'array' THEN jsonb_array_length(value) <= 100
                             AND NOT value @? '$[*] ? (@.type() != "string" || !(@ like_regex "^.{1,255}$" flag "s"))'
           ELSE value IS NULL END
$$;
