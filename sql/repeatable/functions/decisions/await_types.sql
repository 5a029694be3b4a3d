-- Waits for the locks of event types, until the end of the transaction: of those that a decision looks for alone, of the
-- others shared, like share_event_types(). All appends of a type share its lock already, so this costs the others nothing.
--
-- In one order, so that two decisions never wait for each other in a circle. Appends of several types hold none while they
-- wait for one.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. 55P03 the
-- deadline is over.
CREATE OR REPLACE FUNCTION event_store.await_types(event_types text[], alone text[], deadline timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM event_store.await_decision_lock(k.key, k.is_alone, deadline)
       FROM (SELECT event_store.event_type_lock(t.name) AS key, bool_or(t.is_alone) AS is_alone
               FROM (SELECT a.name, true AS is_alone FROM unnest(alone) AS a (name)
                      UNION ALL SELECT e.name, false FROM unnest(event_types) AS e (name)) t
              GROUP BY 1 ORDER BY 1) k;
END
$$;
