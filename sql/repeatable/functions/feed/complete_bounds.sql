-- Notes that each transaction that may still append publishes a bound of its number: from now on next_horizon() goes by
-- the bounds. true = it was noted now. work_feed() calls this, until it is noted, after an update of a store whose
-- functions did not publish.
--
-- Those functions are gone when this one is there. What is left of them are transactions that began before. It gets a lock
-- that excludes all others on the events, so at that moment none of them has one; prepared ones keep theirs. An append
-- looks at the events before it asks for its number, and when a session gets a lock that it did not have, it learns
-- which functions are new. So whoever appends from then on publishes.
--
-- It waits for a tenth of a second at most, because appends and readers wait behind it.
--
-- Not for the application. It may be called again: then it does nothing.
CREATE OR REPLACE FUNCTION event_store.complete_bounds() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
BEGIN
    IF (SELECT s.bounds_are_complete FROM event_store.settings s) THEN
        RETURN false;
    END IF;
    LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
    UPDATE event_store.settings SET bounds_are_complete = true;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
