-- Only what event_store.retire_events() has recorded can be deleted. ALWAYS, like the other append-only triggers.
CREATE OR REPLACE TRIGGER events_retired_only
    BEFORE DELETE ON event_store.events
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.retired_only();

ALTER TABLE event_store.events ENABLE ALWAYS TRIGGER events_retired_only;
