-- ALWAYS: it fires in a session with session_replication_role = replica, too.
CREATE OR REPLACE TRIGGER retired_aggregates_noted
    AFTER INSERT ON event_store.retired_aggregates
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.note_retired_aggregates();

ALTER TABLE event_store.retired_aggregates ENABLE ALWAYS TRIGGER retired_aggregates_noted;
