-- Well-formed tags as an array, in their order; NULL if there are none. Not for the application.
CREATE OR REPLACE FUNCTION event_store.tags_of(value jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'array' AND value <> '[]'
                THEN ARRAY(SELECT t.tag FROM jsonb_array_elements_text(value) WITH ORDINALITY AS t (tag, place)
                            ORDER BY t.place) END
$$;
