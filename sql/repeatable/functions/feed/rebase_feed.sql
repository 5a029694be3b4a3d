-- Makes a store that was restored into another cluster go on: from now on each transaction's number in the feed is its id
-- plus an offset that puts it above every number stored. No event is rewritten, so the order of the feed, all cursors
-- and checkpoints stay as they are. true = rebased, false = there was nothing to do. The deploy calls it; only the owner
-- and the superuser can.
CREATE OR REPLACE FUNCTION event_store.rebase_feed() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Nobody appends by the old offset while it changes, and two calls at once rebase once.
    LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    IF NOT event_store.is_rebase_due() THEN
        RETURN false;
    END IF;

    -- xmin: a transaction that runs already and appends later gets a number above the stored ones as well.
    UPDATE event_store.settings s
       SET feed_offset = greatest(s.feed_offset, event_store.highest_number() + 1
                                               - pg_snapshot_xmin(pg_current_snapshot())::text::bigint),
           cluster_identifier = (SELECT c.system_identifier FROM pg_control_system() c);

    -- A restored table has no statistics, and the first thing that readers do is to page through all of it.
    ANALYZE event_store.events;
    RETURN true;
END
$$;
