-- Lets a store that was restored into another cluster go on. From now on a transaction's number in the feed is its id
-- plus an offset that puts it above every stored number. No event is rewritten, so the order of the feed, all cursors
-- and all checkpoints stay as they are. true = rebased, false = there was nothing to do. The deploy calls it; only the
-- owner and the superuser may.
CREATE OR REPLACE FUNCTION event_store.rebase_feed() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- So that nobody appends with the old offset while it changes, and two calls at once rebase only once.
    LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    IF NOT event_store.is_rebase_due() THEN
        RETURN false;
    END IF;

    -- xmin, so that a transaction that is already running and appends later gets a number above the stored ones as
    -- well.
    UPDATE event_store.settings s
       SET feed_offset = greatest(s.feed_offset, event_store.highest_number() + 1
                                               - pg_snapshot_xmin(pg_current_snapshot())::text::bigint),
           cluster_identifier = (SELECT c.system_identifier FROM pg_control_system() c);

    -- A restored table has no statistics, and readers begin by paging through all of it.
    ANALYZE event_store.events;
    RETURN true;
END
$$;
