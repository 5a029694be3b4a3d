-- Refuses to continue if the store has to be rebased first. Returns the offset: a transaction's id plus the offset is
-- its number in the feed. Every read of the feed calls this; what appends or moves a checkpoint calls check_history(). The
-- session remembers the history that it has checked in event_store.history_checked; whoever forges this setting harms only
-- their own session.
--
-- A check during recovery, or while a fork has still to be recorded, is not remembered: otherwise a session that survives
-- the promotion of its server would append to a history that is over. A check on a primary stays good for as long as the
-- session lives: all that can end the present history also ends the session, or changes the row of settings.
--
-- STABLE, because feed_horizon() is. Not for the application. It has neither SET nor SECURITY DEFINER, because its
-- callers have both (it takes 5 µs; with them it would take 7). SE012 the store was restored into another cluster, or
-- has lost its settings.
CREATE OR REPLACE FUNCTION event_store.check_cluster() RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    settings event_store.settings;
BEGIN
    SELECT s.* INTO settings FROM event_store.settings s;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the event store has lost its settings'
            USING ERRCODE = 'SE012',
                  DETAIL = 'The one row of event_store.settings is missing.',
                  HINT = 'Deploy again: this recreates the settings.';
    END IF;
    IF settings.fork::text = pg_catalog.current_setting('event_store.history_checked', true) THEN
        RETURN settings.feed_offset;
    END IF;

    IF event_store.is_rebase_due() THEN
        RAISE EXCEPTION 'the event store was restored into another cluster, its feed has to be rebased first'
            USING ERRCODE = 'SE012',
                  DETAIL = format('stored: cluster %s, feed offset %s; actual: cluster %s, snapshot %s',
                                  settings.cluster_identifier, settings.feed_offset,
                                  (SELECT c.system_identifier FROM pg_catalog.pg_control_system() c),
                                  pg_catalog.pg_current_snapshot()),
                  HINT = 'Deploy again, or call event_store.rebase_feed() as the superuser.';
    END IF;
    -- In this order: recovery may end in between, but it does not come back.
    IF NOT pg_catalog.pg_is_in_recovery() AND event_store.due_fork() IS NULL THEN
        PERFORM pg_catalog.set_config('event_store.history_checked', settings.fork::text, false);
    END IF;
    RETURN settings.feed_offset;
END
$$;
