-- Lets a store that was restored into another cluster go on: it begins a new history, see begin_history(). No event is
-- rewritten, so the order of the feed, all checkpoints, and all cursors up to the last stored event stay as they are. Who
-- restores calls it, because nobody else knows that the restore is complete. true = rebased, false = there was nothing to
-- do. The deploy calls it; only the owner and the superuser may.
--
-- SE019 the clock is behind the last numbers.
CREATE OR REPLACE FUNCTION event_store.rebase_feed() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- So that nobody goes on with the old offset while it changes, and two calls at once rebase only once.
    LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
    IF NOT event_store.is_rebase_due() THEN
        RETURN false;
    END IF;

    PERFORM event_store.begin_history('cluster', '5 s');

    -- A restored table has no statistics, and readers begin by paging through all of it.
    ANALYZE event_store.events;
    RETURN true;
END
$$;
