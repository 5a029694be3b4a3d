-- Tells the standbys that the feed can be read up to this event, which the worker has just seen: see next_horizon(). Writes
-- nothing if they know, so that an idle store archives no WAL, and if there is neither a standby nor an archive for one.
--
-- The snapshot in which the event was seen counts what waits for a synchronous standby as not committed. So what is below
-- has been confirmed by as many standbys as the server asks for, unless somebody has cancelled the wait. After a crash, what
-- was waiting is there at once; then a fork is recorded, whose commit waits for the same standbys. So nothing is told in the
-- transaction that has recorded it. The commit of the number itself waits for none of them.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both.
CREATE OR REPLACE FUNCTION event_store.confirm_horizon(transaction_id xid8) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    -- All events of that number are committed: it is below a horizon.
    next_number constant bigint := confirm_horizon.transaction_id::text::bigint + 1;
BEGIN
    IF (SELECT c.last_value FROM event_store.confirmed_horizon c) >= next_number
       OR pg_current_xact_id_if_assigned() IS NOT NULL
       OR NOT (EXISTS (SELECT FROM pg_stat_get_wal_senders()) OR current_setting('archive_mode') <> 'off')
    THEN
        RETURN;
    END IF;
    PERFORM set_config('synchronous_commit', 'local', true);
    PERFORM setval('event_store.confirmed_horizon', next_number, false);
END
$$;
