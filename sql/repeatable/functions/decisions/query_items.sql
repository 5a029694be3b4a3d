-- The items of a query. An event matches the query if it matches one of its items: if it has one of the item's types, and
-- all of its tags. NULL = the item names no types, or no tags. A query without items, and an item with neither, match
-- every event.
--
-- Not for the application. SE002 malformed.
CREATE OR REPLACE FUNCTION event_store.query_items(query jsonb)
RETURNS TABLE (event_types text[], tags text[])
LANGUAGE plpgsql IMMUTABLE
AS $$
#variable_conflict use_column
DECLARE
    item    jsonb;
    place   text;
    key     text;
    problem text;
BEGIN
    IF jsonb_typeof(query) IS DISTINCT FROM 'array' THEN
        problem := 'query is not a JSON array but ' || event_store.json_kind(query);
    ELSIF jsonb_array_length(query) > 100 THEN
        problem := format('query has %s items, which is more than 100', jsonb_array_length(query));
    END IF;
    FOR item, place IN
        SELECT i.value, format('query[%s]', i.place - 1)
          FROM jsonb_array_elements(CASE WHEN problem IS NULL THEN query ELSE '[]' END) WITH ORDINALITY AS i (value, place)
         ORDER BY i.place
    LOOP
        key := (SELECT k.key FROM jsonb_object_keys(CASE jsonb_typeof(item) WHEN 'object' THEN item ELSE '{}' END) AS k (key)
                 WHERE k.key NOT IN ('types', 'tags') LIMIT 1);
        problem := CASE
            WHEN jsonb_typeof(item) <> 'object' THEN place || ' is not a JSON object but ' || event_store.json_kind(item)
            WHEN key IS NOT NULL THEN format('%s.%s is unknown', place, key)
            WHEN NOT event_store.are_tags(item -> 'types') THEN place || '.types is not an array of at most 100 event types'
            WHEN NOT event_store.are_tags(item -> 'tags')
                THEN place || '.tags is not an array of at most 100 texts of 1 to 255 characters' END;
        EXIT WHEN problem IS NOT NULL;
    END LOOP;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'malformed: %', problem
            USING ERRCODE = 'SE002',
                  HINT = 'A query is [{"types": ["..."], "tags": ["...", "..."]}, ...]: any of the items, and of an item '
                      || 'one of its types and all of its tags. [] means every event.';
    END IF;
    IF query = '[]' THEN
        RETURN NEXT;
    END IF;
    RETURN QUERY
    SELECT event_store.tags_of(i.value -> 'types'), event_store.tags_of(i.value -> 'tags')
      FROM jsonb_array_elements(query) AS i (value);
END
$$;
