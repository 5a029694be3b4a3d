-- The first number in the feed that is not safe to read yet, for the *next* statement of the function that calls this. It
-- waits for appends only, where feed_horizon() waits for every transaction that writes. Its callers are VOLATILE, or
-- their next statement would have the snapshot of this one. docs/feed.md has the whole argument.
--
-- In this order: X, the end of a snapshot; then the bounds that appends have published. An append with a number below X
-- had its number before that snapshot was taken, and had published its bound before that. If its bound is still
-- there, the horizon is not above it. If it is not, the append has ended, and whoever looks from now on sees what it
-- has committed. Forged bounds only lower the horizon, and never below feed_horizon().
--
-- Feed_horizon() is all there is if the transaction has one snapshot from its beginning to its end (REPEATABLE READ,
-- SERIALIZABLE), and until complete_bounds() has said that every append publishes. It is also enough if nothing is stored
-- above it: then nobody looks at the locks.
--
-- On a standby no lock of the primary can be seen. There it is what the primary has confirmed: each event below was
-- committed, and seen to be, before confirm_horizon() set the number. So the WAL has their commits before that number, and a
-- snapshot that is taken after it was read sees them; nothing else will ever come below. It waits for nobody's transaction.
-- What is above may be read with event_store.unconfirmed = on, below xmin: events that the next primary may not have.
--
-- Not for the application. SE012 the store was restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.next_horizon() RETURNS xid8
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    horizon  constant xid8 := event_store.feed_horizon();
    settings record;
    upper    bigint;
BEGIN
    -- The last event, and not whether there is one above: that question can be answered by reading the whole table.
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
       OR (SELECT e.transaction_id FROM event_store.events e
            ORDER BY e.transaction_id DESC, e.global_position DESC LIMIT 1) >= horizon IS NOT TRUE
    THEN
        RETURN horizon;
    END IF;
    IF pg_is_in_recovery() THEN
        RETURN coalesce(event_store.standby_horizon()::text::xid8, horizon);
    END IF;
    -- Before the offset is read, so that no id of after a fork gets the offset of before it.
    upper := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    SELECT s.bounds_are_complete, s.feed_offset INTO settings FROM event_store.settings s;
    IF NOT settings.bounds_are_complete THEN
        RETURN horizon;
    END IF;
    upper := least(upper, (SELECT min(b.bound) FROM event_store.published_bounds(upper) b)) + settings.feed_offset;
    RETURN CASE WHEN upper > horizon::text::bigint THEN upper::text::xid8 ELSE horizon END;
END
$$;
