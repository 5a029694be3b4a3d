-- Makes a store that was restored into another cluster go on: from now on each transaction's number in the feed is its id
-- plus an offset that puts it above every number stored. No event is rewritten, so the order of the feed, all cursors
-- and checkpoints stay as they are. true = rebased, false = there was nothing to do. The deploy calls it; only the owner
-- and the superuser can.
CREATE OR REPLACE FUNCTION event_store.rebase_feed() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    highest bigint;
BEGIN
    -- Nobody appends by the old offset while it changes, and two calls at once rebase once.
    LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    IF NOT event_store.is_rebase_due() THEN
        RETURN false;
    END IF;

    -- Of the checkpoints and the seals as well: the events that they name may have been retired.
    SELECT coalesce(max(n.transaction_id)::text::bigint, 0)
      INTO highest
      FROM (SELECT max(e.transaction_id) FROM event_store.events e
            UNION ALL
            SELECT max(s.last_transaction_id) FROM event_store.seals s
            UNION ALL
            SELECT max(p.transaction_id) FROM event_store.subscription_partitions p
            UNION ALL
            SELECT max(p.last_transaction_id) FROM event_store.projections p) AS n (transaction_id);

    -- xmin: a transaction that runs already and appends later gets a number above the stored ones as well.
    UPDATE event_store.settings s
       SET feed_offset = greatest(s.feed_offset, highest + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint),
           cluster_identifier = (SELECT c.system_identifier FROM pg_control_system() c);

    -- A restored table has no statistics, and the first thing that readers do is to page through all of it.
    ANALYZE event_store.events;
    RETURN true;
END
$$;
