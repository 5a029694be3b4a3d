-- The events of all aggregates of one type in the feed's order, at most max_count of them. The cursor of the next page
-- is the last row's (transaction_id, global_position), or cursor_of() it as text, which is passed as after.
--
-- Only events below the feed's horizon are returned, so that a consumer can follow a category by its cursor as it can
-- follow the whole feed: no event that commits later comes before one that was read.
--
-- SE002 after is no cursor; SE012 the store was restored into another cluster; SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.get_events_by_category(
    aggregate_type       text,
    after_transaction_id xid8 DEFAULT '0',
    after_position       bigint DEFAULT 0,
    max_count            integer DEFAULT NULL,
    after                text DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    horizon CONSTANT xid8 := event_store.next_horizon();
BEGIN
    IF get_events_by_category.after IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO after_transaction_id, after_position
          FROM event_store.place_of(get_events_by_category.after) p;
    END IF;
    PERFORM event_store.check_place(get_events_by_category.after_transaction_id, get_events_by_category.after_position);
    -- = ANY, and the column in ORDER BY: get_events_by_type() says why.
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.aggregate_type = ANY (ARRAY[get_events_by_category.aggregate_type]::varchar[])
       AND (e.transaction_id, e.global_position)
           > (get_events_by_category.after_transaction_id, get_events_by_category.after_position)
       AND e.transaction_id < horizon
     ORDER BY e.aggregate_type, e.transaction_id, e.global_position
     LIMIT get_events_by_category.max_count;
END
$$;
