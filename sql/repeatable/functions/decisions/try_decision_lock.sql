-- Takes a lock of a decision, unless somebody holds it for longer than a tenth of a second: true = taken. key: NULL = the
-- table, against inserting. For await_decision_lock(): whoever comes behind it waits no longer than that.
CREATE OR REPLACE FUNCTION event_store.try_decision_lock(key bigint, is_alone boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
BEGIN
    IF key IS NULL THEN
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
