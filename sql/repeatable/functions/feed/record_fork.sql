-- Begins a new history of the store, if due_fork() says that the present one is over: raises the numbers of the feed, the
-- positions and the tokens above all that any history can have handed out, and records the fork. See docs/epochs.md.
--
-- The worker calls it within a second of the end of recovery. Without a worker the first append does, in its own
-- transaction. Whoever comes meanwhile waits for the row of settings until that transaction has ended, for 5 seconds; and
-- the row is there, committed, before anybody else can append.
--
-- No number is handed out before the clock has reached the second that it is made from. So a history, which hands out less
-- than 2^20 numbers in a second, is never ahead of the clock, and the next one begins above it, even if the record of this
-- one is lost.
--
-- Not for the application. SE019 the history cannot begin yet: another session is recording it, a transaction that has
-- written events before is still open (a prepared one), or the clock is behind the last numbers; 40001 under REPEATABLE
-- READ or SERIALIZABLE, if another session has recorded it, or any transaction has been committed, since the snapshot.
CREATE OR REPLACE FUNCTION event_store.record_fork() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $$
DECLARE
    patience constant interval := '5 s';
    reason   text;
BEGIN
    IF pg_is_in_recovery() OR event_store.is_rebase_due() OR event_store.due_fork() IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM FROM event_store.settings s FOR NO KEY UPDATE;
        reason := event_store.due_fork();
        IF reason = 'restore' THEN
            -- Sessions that were connected before the tables were replaced have not checked anything since.
            LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
        END IF;
    EXCEPTION WHEN lock_not_available THEN
        PERFORM event_store.refuse_history('another session is recording it, and its transaction has not ended yet');
    END;
    -- Somebody else has recorded it meanwhile.
    IF reason IS NOT NULL THEN
        PERFORM event_store.begin_history(reason, patience);
    END IF;
END
$$;
