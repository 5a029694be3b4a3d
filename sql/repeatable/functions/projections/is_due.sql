-- Whether the time for another try has come; NULL = there is none. What retry_time() sets is at most a second ahead. A
-- time further ahead is from before the clock was set back, and is due as well. It is one SQL expression: the planner
-- inlines it.
CREATE OR REPLACE FUNCTION event_store.is_due(retry_at timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT retry_at - clock_timestamp() NOT BETWEEN '0' AND '1 second'
$$;
