-- Refuses an event id that is stored already. Two sessions with one id: the second waits for the first. Not for the
-- application. SE003 the event id is stored already.
CREATE OR REPLACE FUNCTION event_store.expect_event_id(event_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(uuid_hash_extended(expect_event_id.event_id, 2));
    IF EXISTS (SELECT FROM event_store.events e WHERE e.event_id = expect_event_id.event_id) THEN
        PERFORM event_store.refuse_event_ids(ARRAY[expect_event_id.event_id]);
    END IF;
END
$$;
