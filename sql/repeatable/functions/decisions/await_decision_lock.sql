-- Waits for a lock of a decision, until the end of the transaction: in short turns with pauses, and not after the deadline.
-- Whoever queues for a lock alone stops all who come behind it and would share it: a transaction that has appended and
-- stays open, or ANALYZE, would stop their appends through a decision that waits for it. Like this they pass between two
-- turns.
--
-- The pauses are random, so that two decisions that wait for each other do not give up at the same moment.
--
-- key: NULL = the table, against inserting. Not for the application. It has neither SET nor SECURITY DEFINER, because its
-- callers have both. 55P03 the deadline is over.
CREATE OR REPLACE FUNCTION event_store.await_decision_lock(key bigint, is_alone boolean, deadline timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    holders integer[];
BEGIN
    IF is_alone AND pg_try_advisory_xact_lock(key) OR NOT is_alone AND pg_try_advisory_xact_lock_shared(key) THEN
        RETURN;
    END IF;
    -- The number bounds it as well if the clock is set back meanwhile.
    FOR turn IN 1 .. 20 LOOP
        IF event_store.try_decision_lock(key, is_alone) THEN
            RETURN;
        END IF;
        EXIT WHEN clock_timestamp() >= deadline;
        PERFORM pg_sleep(0.05 + random() * 0.1);
    END LOOP;
    holders := ARRAY(SELECT DISTINCT k.pid FROM pg_locks k
                      WHERE k.granted AND k.pid <> pg_backend_pid()
                        AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                        AND CASE WHEN key IS NULL
                                 THEN k.locktype = 'relation' AND k.relation = 'event_store.events'::regclass
                                      AND k.mode NOT IN ('AccessShareLock', 'RowShareLock')
                                 ELSE k.locktype = 'advisory' AND k.objsubid = 1
                                      AND (k.classid::bigint << 32 | k.objid::bigint) = key END);
    RAISE EXCEPTION 'the decision has waited too long for transactions that are not committed yet'
        USING ERRCODE = 'lock_not_available',
              DETAIL = format('in its way at last: process %s',
                              coalesce(nullif(array_to_string(holders, ', '), ''), 'unknown'))
                       || CASE WHEN key IS NULL THEN ', which uses the table of the events' ELSE '' END,
              HINT = 'Nothing was stored: try again when these transactions have ended. A query whose items have tags waits '
                  || 'only for those that have the first tag of one.';
END
$$;
