-- Only what event_store.retire_events() has recorded can be deleted. ALWAYS, like the other append-only triggers.
CREATE OR REPLACE TRIGGER event_tags_retired_only
    BEFORE DELETE ON event_store.event_tags
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.retired_only();

ALTER TABLE event_store.event_tags ENABLE ALWAYS TRIGGER event_tags_retired_only;
