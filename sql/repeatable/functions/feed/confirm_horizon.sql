-- Tells the standbys that the feed can be read up to this event, which the worker has just seen: see feed_horizon(). Writes
-- nothing if they know, so that an idle store archives no WAL, and if there is neither a standby nor an archive for one.
--
-- The snapshot in which the event was seen counts what waits for a synchronous standby as not committed. So what is below
-- has been confirmed by as many standbys as the server asks for. Its own commit waits for none of them.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both.
CREATE OR REPLACE FUNCTION event_store.confirm_horizon(transaction_id xid8) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    -- All events of that number are committed: it is below a horizon.
    next_number constant xid8 := (confirm_horizon.transaction_id::text::bigint + 1)::text::xid8;
BEGIN
    IF (SELECT c.horizon FROM event_store.confirmed_horizon c) >= next_number
       OR NOT (EXISTS (SELECT FROM pg_stat_get_wal_senders()) OR current_setting('archive_mode') <> 'off')
    THEN
        RETURN;
    END IF;
    PERFORM set_config('synchronous_commit', 'local', true);
    INSERT INTO event_store.confirmed_horizon AS c (horizon) VALUES (next_number)
    ON CONFLICT (only_row) DO UPDATE SET horizon = greatest(c.horizon, excluded.horizon);
END
$$;
