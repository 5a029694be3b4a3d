-- Takes an event type's lock exclusively, unless somebody holds it for longer than a tenth of a second: true = taken. For
-- lock_event_type(), which has a tenth of a second to spare and the appends behind it do not have more.
CREATE OR REPLACE FUNCTION event_store.try_event_type_lock(key bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(key);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
