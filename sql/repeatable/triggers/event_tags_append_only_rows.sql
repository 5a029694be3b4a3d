-- ALWAYS, like those of the events. refuse_row_change() finds the place in the feed in both tables.
CREATE OR REPLACE TRIGGER event_tags_append_only_rows
    BEFORE UPDATE OR DELETE ON event_store.event_tags
    FOR EACH ROW EXECUTE FUNCTION event_store.refuse_row_change();

ALTER TABLE event_store.event_tags ENABLE ALWAYS TRIGGER event_tags_append_only_rows;
