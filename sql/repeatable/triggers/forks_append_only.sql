-- ALWAYS: it fires in a session with session_replication_role = replica, too.
CREATE OR REPLACE TRIGGER forks_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON event_store.forks
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

ALTER TABLE event_store.forks ENABLE ALWAYS TRIGGER forks_append_only;
