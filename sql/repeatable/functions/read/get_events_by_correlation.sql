-- The events of all aggregates with one correlation id, in the feed's order: the story of one process from its
-- beginning. At most max_count of them; the cursor of the next page is the last row's (transaction_id,
-- global_position), or cursor_of() it as text, which is passed as after.
--
-- Everything that is committed is returned, even above the feed's horizon, so that whoever looks for what has just been
-- written finds it. Paging neither skips nor repeats what was there at the first page, but later events may be missed:
-- a consumer that follows events has to read the feed. SE002 after is no cursor; SE018 the cursor is of a lost
-- history.
CREATE OR REPLACE FUNCTION event_store.get_events_by_correlation(
    correlation_id       uuid,
    after_transaction_id xid8 DEFAULT '0',
    after_position       bigint DEFAULT 0,
    max_count            integer DEFAULT NULL,
    after                text DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF get_events_by_correlation.after IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO after_transaction_id, after_position
          FROM event_store.place_of(get_events_by_correlation.after) p;
    END IF;
    PERFORM event_store.check_place(get_events_by_correlation.after_transaction_id, get_events_by_correlation.after_position);
    -- = ANY, and the column in ORDER BY: get_events_by_type() says why.
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.correlation_id = ANY (ARRAY[get_events_by_correlation.correlation_id])
       AND (e.transaction_id, e.global_position)
           > (get_events_by_correlation.after_transaction_id, get_events_by_correlation.after_position)
     ORDER BY e.correlation_id, e.transaction_id, e.global_position
     LIMIT get_events_by_correlation.max_count;
END
$$;
