-- Refuses more locks than a transaction may have. It holds one for each aggregate and event type that it appends to, for
-- each different tag that its events have or a decision looks for, and for each command and each event type that it
-- registers, until it ends. They are in the server's lock table, which all
-- sessions share: once that is full, nobody can even connect. The smallest server has room for 2,700.
--
-- The table has max_locks_per_transaction places for each process that the server may have, not only for connections. Of
-- these, each connection keeps three quarters of its share: half for the locks that it takes before it is counted here, a
-- quarter for those of tables. Transactions with more share the rest. So however many of them there are at once, they
-- never fill the table, and a transaction with a few locks always finds room.
--
-- `more` is how many locks come next, at most. Only if they and those since the last count are half a share, the locks
-- are counted, because that takes as long as an append. The first append_event() of a transaction has nothing to fear and
-- leaves the call out. How many are not counted yet is in a setting, because a setting ends with the transaction. Every
-- session may set it: if it is not what this function has written, the locks are counted now.
--
-- Two sessions may count at once before either takes a lock. Half a share each is allowed for. A call that needs more
-- first says so to everybody, by a lock whose second number is how many locks it will hold.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. 54000 too many locks;
-- 55P03 other transactions have so many that there is no room.
CREATE OR REPLACE FUNCTION event_store.refuse_many_locks(more integer) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    most      constant integer := 2000;
    announced constant integer := 1702260340;
    share     constant integer := current_setting('max_locks_per_transaction')::integer;
    step      constant integer := least(share / 2, 100);
    noted     constant text := coalesce(current_setting('event_store.uncounted_locks', true), '');
    uncounted integer := CASE WHEN noted ~ '^[0-9]{1,2}$' THEN noted::integer WHEN noted = '' THEN 0 ELSE step END + more;
    held      integer;
    room      integer;
    taken     bigint;
BEGIN
    IF uncounted >= step THEN
        uncounted := CASE WHEN more < step THEN more ELSE 0 END;
        held := (SELECT count(*) FROM pg_locks k WHERE k.locktype = 'advisory' AND k.pid = pg_backend_pid());
        IF held + more > most THEN
            RAISE EXCEPTION 'the transaction would hold more than % locks', most
                USING ERRCODE = 'program_limit_exceeded',
                      DETAIL = format('it holds %s, and needs up to %s more: one for each aggregate, event type, tag and '
                                      || 'command', held, more),
                      HINT = 'Commit in between: append to at most 1,000 aggregates in a transaction, and fewer if each '
                          || 'has tags of its own.';
        END IF;
        IF more >= step THEN
            PERFORM pg_advisory_xact_lock_shared(announced, held + more);
        END IF;
        room := share * (current_setting('max_connections')::integer + current_setting('max_prepared_transactions')::integer
                         + current_setting('autovacuum_max_workers')::integer + 1
                         + current_setting('max_worker_processes')::integer
                         + current_setting('max_wal_senders')::integer)
                - share * 3 / 4 * current_setting('max_connections')::integer;
        taken := (SELECT sum(greatest(h.held, h.announced))
                    FROM (SELECT count(*) AS held,
                                 max(k.objid::bigint) FILTER (
                                     WHERE k.locktype = 'advisory' AND k.objsubid = 2 AND k.classid::bigint = announced
                                 ) AS announced
                            FROM pg_locks k
                           WHERE NOT k.fastpath
                           GROUP BY k.pid) h);
        IF taken + uncounted > room THEN
            RAISE EXCEPTION 'the server has no room for % more locks at the moment', more
                USING ERRCODE = 'lock_not_available',
                      DETAIL = format('all sessions have or need %s, of %s; this transaction holds %s', taken, room, held),
                      HINT = 'Try the transaction again when others have ended, or append to fewer aggregates, '
                          || 'with fewer different tags, in each.';
        END IF;
    END IF;
    PERFORM set_config('event_store.uncounted_locks', uncounted::text, true);
END
$$;
