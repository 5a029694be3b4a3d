-- What feed_number() returns to a transaction that has an id already, or whose first bound could not be published.
--
-- A later append of a transaction has the number of the one before. That is sound only as long as the bound that was
-- published for it is: a savepoint that is rolled back takes it along, and the events with it. So the proof is an event:
-- one that this transaction sees and that is not committed is its own, and was not rolled back. The setting
-- event_store.feed_number, which anybody can forge, only says which number to look for. It is set where the number is
-- not the transaction's own id: because that was too low for an aggregate, or because there was an id before the first
-- append. It is never below that id, unless a fork has raised the numbers since (docs/epochs.md): then it is too old.
--
-- Without such an event the transaction needs an id that nobody has seen yet, after its bound is published: that of a
-- subtransaction. The commit names it, so that it is never handed out again, not even after a crash.
--
-- A decision that was stored since then has not seen what comes now, so it has the lower number: note_decision() says
-- which. To come after one that was rolled back, or that has nothing to do with these events, does no harm.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. 55P03 no bound can be
-- published.
CREATE OR REPLACE FUNCTION event_store.later_feed_number(feed_offset bigint, last_number xid8) RETURNS xid8
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    own    constant bigint := pg_current_xact_id_if_assigned()::text::bigint;
    kept   constant xid8   := greatest((own + feed_offset)::text::xid8,
                                       nullif(current_setting('event_store.feed_number', true), '')::xid8);
    number xid8            := kept;
    is_own boolean;
BEGIN
    IF own IS NULL THEN
        PERFORM event_store.publish_bound(pg_snapshot_xmax(pg_current_snapshot())::text::bigint);
        RETURN greatest((pg_current_xact_id()::text::bigint + feed_offset)::text::xid8, last_number);
    END IF;

    SELECT pg_xact_status((own + ((e.xmin::text::bigint - own) << 32 >> 32))::text::xid8) = 'in progress'
      INTO is_own
      FROM (SELECT e.xmin FROM event_store.events e WHERE e.transaction_id = number
             ORDER BY e.global_position DESC LIMIT 1) e;
    IF is_own IS NOT TRUE THEN
        -- The later the bound, the fewer events wait behind it. Where there is one snapshot only, which may be old, another
        -- id has to tell what time it is.
        PERFORM event_store.publish_bound(
            CASE WHEN current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
                 THEN event_store.new_subtransaction(own) + 1
                 ELSE greatest(own + 1, pg_snapshot_xmax(pg_current_snapshot())::text::bigint) END);
        number := (event_store.new_subtransaction(own) + feed_offset)::text::xid8;
    END IF;
    -- Whoever has waited for a decision comes after it.
    number := greatest(number, last_number, (SELECT d.last_value FROM event_store.last_decision d)::text::xid8);
    IF number <> kept THEN
        PERFORM set_config('event_store.feed_number', number::text, true);
    END IF;
    RETURN number;
END
$$;
