-- Until when a decision that begins to wait for its locks now may do so: two seconds, or lock_timeout if that is shorter.
-- Not for the application.
CREATE OR REPLACE FUNCTION event_store.decision_deadline() RETURNS timestamptz
LANGUAGE sql VOLATILE
AS $$
    SELECT clock_timestamp() + least('2 s', nullif(current_setting('lock_timeout'), '0')::interval)
$$;
