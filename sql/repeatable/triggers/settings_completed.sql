-- ALWAYS: it fires in a session with session_replication_role = replica, too.
CREATE OR REPLACE TRIGGER settings_completed
    BEFORE INSERT ON event_store.settings
    FOR EACH ROW EXECUTE FUNCTION event_store.complete_settings();

ALTER TABLE event_store.settings ENABLE ALWAYS TRIGGER settings_completed;
