-- Takes the table's lock if a query has an item that every event matches: nobody else inserts then until the end of the
-- transaction. The last lock of a decision. Not for the application. It has neither SET nor SECURITY DEFINER, because its
-- caller has both.
CREATE OR REPLACE FUNCTION event_store.lock_events(items event_store.query_item[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(items) AS i WHERE i.types IS NULL AND i.tags IS NULL) THEN
        LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    END IF;
END
$$;
