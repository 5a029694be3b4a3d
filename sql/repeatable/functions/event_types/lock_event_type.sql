-- Every change of an event type begins with this. It waits for appends of the type that are not committed yet, and for
-- everybody else who is changing a type, whichever type that is. Not for the application.
--
-- All changes exclude each other because they all write one row, the settings, when a type is validated for the first
-- time. Otherwise two transactions that each change several types could deadlock: one would hold the row and wait for
-- the other's type, the other would hold that type and wait for the row. The lock that all changes have in common is
-- that of the type with the empty name. No event has this type, so no append waits for it.
--
-- For an append it waits in short turns with pauses, up to lock_timeout if the session has one: whoever appends next
-- would have to wait behind it. A transaction that changes several types holds those that it has changed already, and
-- appends of these wait for it, whatever it waits for. So it gives up after two seconds in which somebody waits for it.
-- If the append that it waits for waits for it in turn, the change is what fails at once, in most cases before the server
-- chooses: a registration can simply be repeated, and an append is somebody's work. The server may be the first if the
-- append's deadlock_timeout ends in the tenth of a second before this is noticed.
--
-- 55P03 the lock_timeout is over, or others have waited too long for this transaction; 40P01 an append waits for this
-- transaction; 54000 it changes too many types.
CREATE OR REPLACE FUNCTION event_store.lock_event_type(event_type text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    key      constant bigint := event_store.event_type_lock(event_type);
    patience constant interval := nullif(current_setting('lock_timeout'), '0')::interval;
    waited   interval := '0';
    held_up  interval := '0';
    holders  integer[];
BEGIN
    PERFORM event_store.refuse_many_locks(1);
    PERFORM pg_advisory_xact_lock(event_store.event_type_lock(''));
    WHILE NOT event_store.try_event_type_lock(key) LOOP
        holders := ARRAY(SELECT k.pid FROM pg_locks k
                          WHERE k.locktype = 'advisory' AND k.objsubid = 1 AND k.granted
                            AND (k.classid::bigint << 32 | k.objid::bigint) = key
                            AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
        IF EXISTS (
            WITH RECURSIVE awaited (pid) AS (
                SELECT unnest(holders)
                UNION
                SELECT b.pid FROM awaited a CROSS JOIN unnest(pg_blocking_pids(a.pid)) AS b (pid)
            )
            SELECT FROM awaited a WHERE a.pid = pg_backend_pid())
        THEN
            RAISE EXCEPTION 'an append of % waits for another event type that this transaction has changed', event_type
                USING ERRCODE = 'deadlock_detected',
                      DETAIL = format('events of the type were appended by process %s, not committed yet',
                                      array_to_string(holders, ', ')),
                      HINT = 'Try the transaction again, or change each event type in a transaction of its own.';
        END IF;
        waited := waited + '200 ms';
        IF waited > patience THEN
            RAISE EXCEPTION 'the event type % is in use by appends that are not committed yet', event_type
                USING ERRCODE = 'lock_not_available',
                      DETAIL = format('they are of process %s; lock_timeout is %s', array_to_string(holders, ', '),
                                      current_setting('lock_timeout')),
                      HINT = 'Try again when their transactions have ended, or with a longer lock_timeout.';
        END IF;
        -- Whoever waits to change a type, too, holds up nobody by that.
        IF EXISTS (SELECT FROM pg_locks mine
                     JOIN pg_locks others USING (locktype, database, classid, objid, objsubid)
                    WHERE mine.locktype = 'advisory' AND mine.pid = pg_backend_pid() AND mine.granted
                      AND NOT others.granted
                      AND (mine.classid::bigint << 32 | mine.objid::bigint) <> event_store.event_type_lock(''))
        THEN
            held_up := held_up + '200 ms';
        END IF;
        IF held_up > '2 s' THEN
            RAISE EXCEPTION 'the event type % is in use by appends that are not committed yet', event_type
                USING ERRCODE = 'lock_not_available',
                      DETAIL = format('they are of process %s; meanwhile others wait for what this transaction holds',
                                      array_to_string(holders, ', ')),
                      HINT = 'Change each event type in a transaction of its own: then nobody waits for it.';
        END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$$;
