-- ALWAYS, like those of the events, whose tags these are.
CREATE OR REPLACE TRIGGER event_tags_append_only
    BEFORE UPDATE OR TRUNCATE ON event_store.event_tags
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

ALTER TABLE event_store.event_tags ENABLE ALWAYS TRIGGER event_tags_append_only;
