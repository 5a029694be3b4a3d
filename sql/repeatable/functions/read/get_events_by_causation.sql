-- The events that one command or one event caused, of all aggregates, in the feed's order. At
-- most max_count of them; the next page: the cursor is the last row's (transaction_id, global_position).
--
-- Everything that is committed, also above the feed's horizon: whoever looks for what has just been written finds it. So
-- paging neither skips nor repeats what was there at the first page; a consumer that tails reads the feed.
CREATE OR REPLACE FUNCTION event_store.get_events_by_causation(
    causation_id         uuid,
    after_transaction_id xid8 DEFAULT '0',
    after_position       bigint DEFAULT 0,
    max_count            integer DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- = ANY, and the column in the order: for the reason in get_events_by_type().
    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.causation_id = ANY (ARRAY[get_events_by_causation.causation_id])
       AND (e.transaction_id, e.global_position)
           > (get_events_by_causation.after_transaction_id, get_events_by_causation.after_position)
     ORDER BY e.causation_id, e.transaction_id, e.global_position
     LIMIT get_events_by_causation.max_count;
END
$$;
