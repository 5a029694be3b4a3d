-- ALWAYS: it fires in a session with session_replication_role = replica, too.
CREATE OR REPLACE TRIGGER event_types_noted
    AFTER INSERT OR UPDATE ON event_store.event_types
    FOR EACH ROW
    WHEN (new.validation <> 'off')
    EXECUTE FUNCTION event_store.note_validated_event_type();

ALTER TABLE event_store.event_types ENABLE ALWAYS TRIGGER event_types_noted;
