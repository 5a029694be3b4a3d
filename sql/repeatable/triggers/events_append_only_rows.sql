-- ALWAYS, like the statement triggers. It costs appends nothing, because it does not fire for INSERT.
CREATE OR REPLACE TRIGGER events_append_only_rows
    BEFORE UPDATE OR DELETE ON event_store.events
    FOR EACH ROW EXECUTE FUNCTION event_store.refuse_row_change();

ALTER TABLE event_store.events ENABLE ALWAYS TRIGGER events_append_only_rows;
