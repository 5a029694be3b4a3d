-- Raises the numbers of the feed, the positions and the tokens, and records the fork. The caller holds the row of settings,
-- so that no two do it at once. `patience`: how long to wait for a transaction that stands in the way; after that, up to 2
-- seconds more for the clock.
--
-- The base of a history is 2^20 times the next full second since 1970; below 2^53 until the year 2242, so that every
-- language can hold it. It is above everything stored as well.
--
-- Not for the application. SE019 a transaction that has written events is still open, or the clock is behind; 40001 under
-- REPEATABLE READ or SERIALIZABLE, if any transaction has been committed since the caller's snapshot.
CREATE OR REPLACE FUNCTION event_store.begin_history(reason text, patience interval) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    per_second constant bigint := 1048576;
    until      timestamptz := clock_timestamp() + begin_history.patience;
    highest    bigint;
    at_second  bigint;
    base       bigint;
    begins     timestamptz;
    state      record;
    oldest     bigint;
    new        event_store.forks;
BEGIN
    -- Events that were inserted with the old numbers and are not committed: readers would go past them. After the end of
    -- a recovery only prepared transactions can have such.
    WHILE EXISTS (SELECT FROM pg_locks k
                   WHERE k.locktype = 'relation' AND k.relation = 'event_store.events'::regclass
                     AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                     AND k.mode = 'RowExclusiveLock' AND k.granted AND k.pid IS DISTINCT FROM pg_backend_pid())
    LOOP
        IF clock_timestamp() >= until THEN
            PERFORM event_store.refuse_history('a transaction that has written events before has not ended; '
                                               'event_store.feed_blockers() names it, also if it is a prepared one');
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    -- If such a one was committed under a snapshot that stays, its events are not visible here, and would lie in the gap.
    -- Nobody can tell whose events a commit had; whoever tries again has a newer snapshot.
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
       AND EXISTS (SELECT FROM pg_snapshot_xip(pg_current_snapshot()) AS x(id)
                    WHERE coalesce(pg_xact_status(x.id), 'committed') = 'committed')
    THEN
        RAISE EXCEPTION 'could not serialize access: a transaction has been committed since this one''s snapshot'
            USING ERRCODE = 'serialization_failure', HINT = 'Try again, in a transaction that begins now.';
    END IF;

    -- For the clock, however long the wait was.
    until := greatest(until, clock_timestamp() + interval '2 s');
    -- Also if no event has come after the last fork.
    highest := greatest(event_store.highest_number(),
                        (SELECT p.global_position FROM event_store.last_place() p),
                        (SELECT max(f.first_transaction_id)::text::bigint FROM event_store.forks f));
    at_second := greatest(floor(extract(epoch FROM clock_timestamp()))::bigint, highest / per_second) + 1;
    base := at_second * per_second;
    begins := to_timestamp(at_second);
    IF begins > until THEN
        PERFORM event_store.refuse_history(format('the clock says %s, the last numbers are from %s: set the clock right',
                                                  clock_timestamp(), to_timestamp(highest / per_second)));
    END IF;
    -- A transaction that runs already and appends later gets a number from the base on as well. The next new one is then so
    -- far above the base, and must not be ahead of the clock either.
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    begins := begins + (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - oldest) * interval '1 second' / per_second;
    IF begins > until THEN
        PERFORM event_store.refuse_history(format('transaction %s has not ended for a long time; pg_stat_activity '
                                                  '(backend_xid) or pg_prepared_xacts names it', oldest));
    END IF;
    PERFORM pg_sleep(extract(epoch FROM begins - clock_timestamp()));
    IF clock_timestamp() < begins THEN
        PERFORM event_store.refuse_history('the clock was set back just now');
    END IF;

    SELECT * INTO state FROM event_store.server_state();
    SELECT p.transaction_id, p.global_position INTO new.last_transaction_id, new.last_position
      FROM event_store.last_place() p;
    INSERT INTO event_store.forks (reason, cluster_identifier, timeline, server_start, last_transaction_id, last_position,
                                   first_transaction_id, first_position)
    VALUES (begin_history.reason, (SELECT c.system_identifier FROM pg_control_system() c), state.timeline,
            state.server_start, new.last_transaction_id, new.last_position, base::text::xid8, base)
    RETURNING * INTO new;
    UPDATE event_store.settings s
       SET feed_offset = base - oldest, fork = new.fork, cluster_identifier = new.cluster_identifier,
           timeline = new.timeline, server_start = new.server_start, table_id = s.tableoid;
    PERFORM setval('event_store.events_global_position_seq', greatest(base, q.last_value + 1), false)
       FROM event_store.events_global_position_seq q;
    PERFORM setval('event_store.subscription_tokens', greatest(base, q.last_value + 1), false)
       FROM event_store.subscription_tokens q;
END
$$;
