-- The events after a place in the feed that match a query, those of each item in the feed's order, and at most max_count of
-- each item (NULL = all). An event that matches several items is there several times. inserted_by: the lower 32 bits of the
-- id that has inserted the event, which is that of its transaction or of a savepoint in it.
--
-- It sees what the statement sees that calls it. The reads without tags are planned for their values: how many events come
-- after the place decides which index is the right one.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.matching_events(
    items          event_store.query_item[],
    after_number   xid8,
    after_position bigint,
    max_count      integer
)
RETURNS TABLE (event event_store.events, inserted_by bigint)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    item event_store.query_item;
BEGIN
    FOREACH item IN ARRAY items LOOP
        IF item.tags IS NOT NULL THEN
            RETURN QUERY
            SELECT e, e.xmin::text::bigint
              FROM event_store.event_tags t
              JOIN event_store.events e ON e.transaction_id = t.transaction_id AND e.global_position = t.global_position
             WHERE t.tag = item.tags[1]
               AND (t.transaction_id, t.global_position) > (after_number, after_position)
               AND e.tags @> item.tags
               AND (item.types IS NULL OR e.event_type = ANY (item.types))
             ORDER BY t.transaction_id, t.global_position
             LIMIT max_count;
        ELSIF item.types IS NOT NULL THEN
            RETURN QUERY EXECUTE $query$
                SELECT e, e.xmin::text::bigint
                  FROM event_store.events e
                 WHERE e.event_type = ANY ($1::varchar[]) AND (e.transaction_id, e.global_position) > ($2, $3)
                 ORDER BY e.transaction_id, e.global_position
                 LIMIT $4 $query$
            USING item.types, after_number, after_position, max_count;
        ELSE
            RETURN QUERY EXECUTE $query$
                SELECT e, e.xmin::text::bigint
                  FROM event_store.events e
                 WHERE (e.transaction_id, e.global_position) > ($1, $2)
                 ORDER BY e.transaction_id, e.global_position
                 LIMIT $3 $query$
            USING after_number, after_position, max_count;
        END IF;
    END LOOP;
END
$$;
