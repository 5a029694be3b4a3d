-- ALWAYS: it fires in a session with session_replication_role = replica, too. DELETE has a trigger of its own:
-- events_retired_only.
CREATE OR REPLACE TRIGGER events_append_only
    BEFORE UPDATE OR TRUNCATE ON event_store.events
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

ALTER TABLE event_store.events ENABLE ALWAYS TRIGGER events_append_only;
