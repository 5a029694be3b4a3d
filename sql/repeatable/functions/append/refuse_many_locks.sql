-- Refuses more locks than a transaction may have. It holds one for each aggregate and event type that it appends to, and
-- for each command and each event type that it registers, until it ends. They are in the server's lock table, which all
-- sessions share: once that is full, nobody can even connect. The smallest server has room for 2,700.
--
-- `more` is how many locks come next, at most. Only after each hundred of them the locks are counted, because that takes
-- as long as an append. Callers that have nothing to fear, the first append of a transaction, leave the call out.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. 54000 too many locks.
CREATE OR REPLACE FUNCTION event_store.refuse_many_locks(more integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most      constant integer := 2000;
    uncounted integer := coalesce(nullif(current_setting('event_store.uncounted_locks', true), ''), '0')::integer + more;
    held      integer;
BEGIN
    IF uncounted >= 100 THEN
        uncounted := 0;
        held := (SELECT count(*) FROM pg_locks k WHERE k.locktype = 'advisory' AND k.pid = pg_backend_pid());
        IF held + more > most THEN
            RAISE EXCEPTION 'the transaction would hold more than % locks', most
                USING ERRCODE = 'program_limit_exceeded',
                      DETAIL = format('it holds %s, and needs up to %s more: one for each aggregate, event type and command',
                                      held, more),
                      HINT = 'Commit in between: append to at most 1,000 aggregates in a transaction.';
        END IF;
    END IF;
    PERFORM set_config('event_store.uncounted_locks', uncounted::text, true);
END
$$;
