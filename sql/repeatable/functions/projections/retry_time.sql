-- When the worker tries again after an error: in a second if no event is to blame, never if one is.
CREATE OR REPLACE FUNCTION event_store.retry_time(error_sqlstate text, failed_event_id uuid)
RETURNS timestamptz
LANGUAGE sql VOLATILE
AS $$
    SELECT clock_timestamp() + '1 second' WHERE error_sqlstate IS NOT NULL AND failed_event_id IS NULL
$$;
