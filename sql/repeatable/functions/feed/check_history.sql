-- Has the fork recorded that is due, then does what check_cluster() does. Whatever appends, moves a checkpoint or hands out
-- a token calls this first, and so does the worker: see record_fork(). Returns the feed's offset.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SE012 the store was
-- restored into another cluster, or has lost its settings; SE019 the new history cannot begin yet.
CREATE OR REPLACE FUNCTION event_store.check_history() RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    settings event_store.settings;
BEGIN
    SELECT s.* INTO settings FROM event_store.settings s;
    IF settings.fork::text = pg_catalog.current_setting('event_store.history_checked', true) THEN
        RETURN settings.feed_offset;
    END IF;
    PERFORM event_store.record_fork();
    RETURN event_store.check_cluster();
END
$$;
