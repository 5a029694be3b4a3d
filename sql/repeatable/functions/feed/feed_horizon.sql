-- The first number in the feed that is not safe to read yet, as the snapshot of the calling statement has it.
--
-- Everything below it is final. An event's number is at least the id of the transaction that wrote it (that of the
-- whole transaction, in a subtransaction as well), plus the feed's offset. A snapshot's xmin is the oldest id that was
-- still running when the snapshot was taken, prepared transactions included; ids are handed out in ascending order. So
-- each transaction below xmin is over: what it committed is visible in this snapshot, what it rolled back never will be.
-- And each event that is not visible in this snapshot, or not written yet, has a number from xmin on.
--
-- It has to be STABLE: then it sees the snapshot of the statement that calls it. Were it VOLATILE it would take a
-- later one, and the statement would go past events that it cannot see. PARALLEL UNSAFE, as it may set a parameter.
--
-- SE012 restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.feed_horizon() RETURNS xid8
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + event_store.check_cluster())::text::xid8;
END
$$;
