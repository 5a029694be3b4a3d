-- Waits for the locks of tags, until the end of the transaction: of those that a decision looks by alone, of those that the
-- events have shared. Whoever appends an event that could match an item has one of these locks, because the event has all
-- tags of the item, and the item's first one is enough. In one order, so that two calls never wait for each other in a
-- circle.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.await_tags(tags text[], alone text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM CASE WHEN k.is_alone THEN pg_advisory_xact_lock(k.key) ELSE pg_advisory_xact_lock_shared(k.key) END
       FROM (SELECT event_store.tag_lock(t.name) AS key, bool_or(t.is_alone) AS is_alone
               FROM (SELECT a.name, true AS is_alone FROM unnest(alone) AS a (name)
                      UNION ALL SELECT e.name, false FROM unnest(tags) AS e (name)) t
              GROUP BY 1 ORDER BY 1) k;
END
$$;
