-- The events of all aggregates of one type, against the feed's order, back from the feed's horizon or from a cursor
-- (exclusive), at most max_count of them. The cursor of the next page is the last row's (transaction_id,
-- global_position), or cursor_of() it as text, which is passed as before.
--
-- The first row is a cursor from which get_events_by_category() misses nothing. That is why events above the horizon
-- are left out here, too.
--
-- SE002 before is no cursor; SE012 the store was restored into another cluster; SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.get_events_by_category_backward(
    aggregate_type        text,
    before_transaction_id xid8 DEFAULT NULL,
    before_position       bigint DEFAULT 0,
    max_count             integer DEFAULT NULL,
    before                text DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    horizon CONSTANT xid8 := event_store.next_horizon();
BEGIN
    IF get_events_by_category_backward.before IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO before_transaction_id, before_position
          FROM event_store.place_of(get_events_by_category_backward.before) p;
    END IF;
    PERFORM event_store.check_place(get_events_by_category_backward.before_transaction_id,
                                    get_events_by_category_backward.before_position);
    -- = ANY, and the column in ORDER BY: get_events_by_type() says why.
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.aggregate_type = ANY (ARRAY[get_events_by_category_backward.aggregate_type]::varchar[])
       AND (e.transaction_id, e.global_position)
           < (coalesce(get_events_by_category_backward.before_transaction_id, horizon),
              get_events_by_category_backward.before_position)
       AND e.transaction_id < horizon
     ORDER BY e.aggregate_type DESC, e.transaction_id DESC, e.global_position DESC
     LIMIT get_events_by_category_backward.max_count;
END
$$;
