-- Takes a lock of a decision, unless somebody holds it for longer than a turn, which is a tenth of a second: true = taken.
-- key: NULL = the table, against inserting. For await_decision_lock(): whoever comes behind it waits no longer than that.
--
-- For the table the turn is longer if an autovacuum has it: that makes way for who has waited for deadlock_timeout, and for
-- nobody else. One against wraparound makes way for nobody, so it is not waited for like that. Everybody may see that a
-- process is of no user.
CREATE OR REPLACE FUNCTION event_store.try_decision_lock(key bigint, is_alone boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
BEGIN
    IF key IS NULL THEN
        IF EXISTS (SELECT FROM pg_locks k
                     JOIN pg_stat_activity a ON a.pid = k.pid AND a.usesysid IS NULL
                     JOIN pg_class c ON c.oid = k.relation
                    WHERE k.locktype = 'relation' AND k.relation = 'event_store.events'::regclass
                      AND k.database = a.datid AND k.mode = 'ShareUpdateExclusiveLock' AND k.granted
                      AND age(c.relfrozenxid) <= current_setting('autovacuum_freeze_max_age')::integer)
        THEN
            -- Until the function ends, like its own setting.
            PERFORM set_config('lock_timeout', (extract(epoch FROM current_setting('deadlock_timeout')::interval) * 1000
                                                + 200)::integer::text, true);
        END IF;
        LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    ELSIF is_alone THEN
        PERFORM pg_advisory_xact_lock(key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
