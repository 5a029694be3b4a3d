-- Refuses to go on in a store that has to be rebased first. Returns what to add to a transaction's id to have its number
-- in the feed. Called by every append and by every read of the feed; the session remembers for which cluster it looked
-- (event_store.cluster_checked: whoever forges it deceives himself only).
--
-- STABLE, because feed_horizon() is. Not for the application; without SET and SECURITY DEFINER, because its callers have
-- both (5 µs; with them 7). SE012 restored into another cluster, or without its settings.
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
                  HINT = 'Deploy again: it makes the settings anew.';
    END IF;
    IF settings.cluster_identifier::text = pg_catalog.current_setting('event_store.cluster_checked', true) THEN
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
    PERFORM pg_catalog.set_config('event_store.cluster_checked', settings.cluster_identifier::text, false);
    RETURN settings.feed_offset;
END
$$;
