-- Refuses more locks than a transaction may have. It holds one for each aggregate and event type that it appends to, and
-- for each command and each event type that it registers, until it ends. They are in the server's lock table, which all
-- sessions share: once that is full, nobody can even connect. The smallest server has room for 2,700.
--
-- `more` is how many locks come next, at most. Only after each hundred of them the locks are counted, because that takes
-- as long as an append. The first append_event() of a transaction has nothing to fear and leaves the call out. How many are
-- not counted yet is in a setting, because a setting ends with the transaction. Every session may set it: if it is not
-- what this function has written, the locks are counted now.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. 54000 too many locks.
CREATE OR REPLACE FUNCTION event_store.refuse_many_locks(more integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most      constant integer := 2000;
    noted     constant text := coalesce(current_setting('event_store.uncounted_locks', true), '');
    uncounted integer := CASE WHEN noted ~ '^[0-9]{1,2}$' THEN noted::integer WHEN noted = '' THEN 0 ELSE 100 END + more;
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
