-- Waits for the turn at an aggregate. Always true. For callers that did not get the aggregate's lock (aggregate_lock()) at
-- once and alone, because others append to the aggregate.
--
-- expected_version: of the first append of a transaction, if that is to one aggregate, expects an exact version and has no
-- command. It shares the lock, and has version_lock() alone. So those with the same expectation go one after the other, and
-- those with a later one do not queue behind them: whoever has lost only has to find out. If each had the aggregate alone,
-- all that have lost would be in the way of the next one that can win.
--
-- NULL: all others have the lock alone: "any version", "exists" and commands, which must not meet a conflict or a second
-- sender; several aggregates, and later appends of a transaction, for which there is room for one lock each.
--
-- Either way one writer at a time is between its look at the aggregate's version and the end of its transaction.
--
-- Two transactions that share the lock would wait for each other as soon as both want it alone. So nobody waits who has
-- the aggregate's last event in its own transaction, uncommitted: until it ends, all others wait for it, or expect what is
-- not true. Such an event is not older than the transaction, and its inserting id, which may be that of a savepoint, has
-- not ended. If the clock was set back meanwhile, it is not recognised, and the server ends one of the transactions
-- (40P01).
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.await_turn(aggregate_type text, aggregate_id uuid, expected_version integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    own    constant bigint := pg_current_xact_id_if_assigned()::text::bigint;
    is_own boolean;
BEGIN
    IF own IS NULL AND expected_version >= 0 THEN
        PERFORM pg_advisory_xact_lock_shared(event_store.aggregate_lock(aggregate_type, aggregate_id));
        PERFORM pg_advisory_xact_lock(event_store.version_lock(aggregate_type, aggregate_id, expected_version));
        RETURN true;
    END IF;
    IF own IS NOT NULL THEN
        SELECT CASE WHEN last.created_at >= transaction_timestamp()
               THEN pg_xact_status((own + ((last.xmin::text::bigint - own) << 32 >> 32))::text::xid8) = 'in progress' END
          INTO is_own
          FROM (SELECT e.xmin, e.created_at
                  FROM event_store.events e
                 WHERE e.aggregate_type = await_turn.aggregate_type::varchar AND e.aggregate_id = await_turn.aggregate_id
                 ORDER BY e.event_version DESC
                 LIMIT 1) last;
    END IF;
    IF is_own IS NOT TRUE THEN
        PERFORM pg_advisory_xact_lock(event_store.aggregate_lock(aggregate_type, aggregate_id));
    END IF;
    RETURN true;
END
$$;
