-- Records why a rebuild could not begin. Such a rebuild has the definition_version 0 and no tables, so that nothing feeds
-- it; the worker tries in a second to begin it again. Not for the application. It has neither SET nor SECURITY DEFINER,
-- because its callers have both.
CREATE OR REPLACE FUNCTION event_store.note_failed_rebuild(
    projection_name text,
    error_sqlstate  text,
    error_message   text
)
RETURNS void
LANGUAGE sql VOLATILE
AS $$
    INSERT INTO event_store.projection_rebuilds AS b (
        projection_name, definition_version, status, error_sqlstate, error_message, retry_at)
    VALUES (
        note_failed_rebuild.projection_name, 0, 'failed', note_failed_rebuild.error_sqlstate,
        note_failed_rebuild.error_message, event_store.retry_time(note_failed_rebuild.error_sqlstate, NULL))
    ON CONFLICT (projection_name) DO UPDATE
       SET status = excluded.status, error_sqlstate = excluded.error_sqlstate, error_message = excluded.error_message,
           retry_at = excluded.retry_at, updated_at = clock_timestamp()
$$;
