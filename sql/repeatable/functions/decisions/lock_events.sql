-- Takes the table's lock if a query has an item that every event matches: nobody else inserts then until the end of the
-- transaction. The last lock of a decision. Not for the application. It has neither SET nor SECURITY DEFINER, because its
-- caller has both. 55P03 others have kept the table for too long.
CREATE OR REPLACE FUNCTION event_store.lock_events(items event_store.query_item[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(items) AS i WHERE i.types IS NULL AND i.tags IS NULL) THEN
        PERFORM event_store.await_decision_lock(NULL, true, event_store.decision_deadline());
    END IF;
END
$$;
