-- When the worker tries again after an error: in a second where no event is to blame, never where one is.
CREATE OR REPLACE FUNCTION event_store.retry_time(error_sqlstate text, failed_event_id uuid)
RETURNS timestamptz
LANGUAGE sql VOLATILE
AS $$
    SELECT clock_timestamp() + '1 second' WHERE error_sqlstate IS NOT NULL AND failed_event_id IS NULL
$$;
