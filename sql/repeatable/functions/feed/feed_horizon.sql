-- The first number in the feed that is not safe to read yet, for the statement that calls this, by that statement's
-- snapshot alone. next_horizon() is often further; what it says holds for later statements only.
--
-- Everything below it is final. An event's number is at least the id of the transaction that wrote it (in a
-- subtransaction too, that of the whole transaction), plus the feed's offset. A snapshot's xmin is the oldest id that
-- was still running when the snapshot was taken, prepared transactions included; ids are handed out in ascending order.
-- So each transaction below xmin has ended: what it committed is visible in this snapshot, what it rolled back never
-- will be. And each event that is not visible in this snapshot, or not written yet, has a number from xmin on (plus the
-- offset).
--
-- On a standby it is not above what the primary has confirmed, either.
--
-- It has to be STABLE: then it uses the snapshot of the statement that calls it. If it were VOLATILE, it would take a
-- later snapshot, and the statement would go past events that it cannot see. It is PARALLEL UNSAFE, because it may set
-- a parameter.
--
-- SE012 the store was restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.feed_horizon() RETURNS xid8
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + event_store.check_cluster(),
                 event_store.standby_horizon())::text::xid8;
END
$$;
