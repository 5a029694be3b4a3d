-- The items of a query. An event matches the query if it matches one of its items: if it has one of the item's types, and
-- all of its tags. NULL = the item names no types, or no tags. A query without items has one that every event matches,
-- which names neither.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SE002 malformed.
CREATE OR REPLACE FUNCTION event_store.query_items(query jsonb) RETURNS event_store.query_item[]
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    item    jsonb;
    place   text;
    key     text;
    problem text;
BEGIN
    IF query = '[]' THEN
        RETURN ARRAY[ROW(NULL, NULL)::event_store.query_item];
    END IF;
    IF jsonb_typeof(query) IS DISTINCT FROM 'array' THEN
        problem := 'query is not a JSON array but ' || event_store.json_kind(query);
    ELSIF jsonb_array_length(query) > 100 THEN
        problem := format('query has %s items, which is more than 100', jsonb_array_length(query));
    ELSIF (SELECT bool_and(jsonb_typeof(i) = 'object' AND i - '{types, tags}'::text[] = '{}'
                           AND event_store.are_texts(i -> 'types') AND event_store.are_texts(i -> 'tags'))
             FROM jsonb_array_elements(query) AS i)
    THEN
        RETURN ARRAY(SELECT ROW(nullif(r.types, '{}'), nullif(r.tags, '{}'))::event_store.query_item
                       FROM jsonb_array_elements(query) AS i
                      CROSS JOIN LATERAL jsonb_populate_record(NULL::event_store.query_item, i) AS r);
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
            WHEN NOT event_store.are_texts(item -> 'types') THEN place || '.types is not an array of at most 100 event types'
            WHEN NOT event_store.are_texts(item -> 'tags')
                THEN place || '.tags is not an array of at most 100 texts of 1 to 255 characters' END;
        EXIT WHEN problem IS NOT NULL;
    END LOOP;
    RAISE EXCEPTION 'malformed: %', problem
        USING ERRCODE = 'SE002',
              HINT = 'A query is [{"types": ["..."], "tags": ["...", "..."]}, ...]: any of the items, and of an item '
                  || 'one of its types and all of its tags. [] means every event.';
END
$$;
