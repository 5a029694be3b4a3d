-- ALWAYS: it fires in a session with session_replication_role = replica, too.
CREATE OR REPLACE TRIGGER seals_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON event_store.seals
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

ALTER TABLE event_store.seals ENABLE ALWAYS TRIGGER seals_append_only;
