-- Waits for the locks of tags, until the end of the transaction: of those that a decision looks by alone, of those that the
-- events have shared. Whoever appends an event that could match an item has one of these locks, because the event has all
-- tags of the item, and the item's first one is enough. In one order, so that two calls never wait for each other in a
-- circle.
--
-- items: of the decision, if it may be refused here; NULL = not yet. If somebody else has a lock, the decision will most
-- likely be refused, as soon as the other one has ended. So it waits for that together with all others who wait, by
-- sharing the lock for a moment, and looks: whoever has lost is in nobody's way. The exception lets go of the lock at
-- once.
--
-- deadline: see await_decision_lock(); NULL = wait as long as it takes, for who shares all of them.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SQLSTATEs: those of
-- refuse_decision() and await_decision_lock().
CREATE OR REPLACE FUNCTION event_store.await_tags(
    tags     text[],
    alone    text[],
    items    event_store.query_item[],
    marker   text,
    deadline timestamptz
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    tag record;
BEGIN
    FOR tag IN
        SELECT event_store.tag_lock(t.name) AS key, bool_or(t.is_alone) AS is_alone
          FROM (SELECT a.name, true AS is_alone FROM unnest(alone) AS a (name)
                 UNION ALL SELECT e.name, false FROM unnest(tags) AS e (name)) t
         GROUP BY 1
         ORDER BY 1
    LOOP
        IF deadline IS NULL THEN
            PERFORM pg_advisory_xact_lock_shared(tag.key);
        ELSIF NOT tag.is_alone THEN
            PERFORM event_store.await_decision_lock(tag.key, false, deadline);
        ELSIF NOT pg_try_advisory_xact_lock(tag.key) THEN
            IF items IS NOT NULL THEN
                BEGIN
                    PERFORM event_store.await_decision_lock(tag.key, false, deadline);
                    RAISE object_in_use;
                EXCEPTION WHEN object_in_use THEN
                    NULL;
                END;
                PERFORM event_store.refuse_decision(items, marker);
            END IF;
            PERFORM event_store.await_decision_lock(tag.key, true, deadline);
        END IF;
    END LOOP;
END
$$;
