-- Takes back up.sql. Readers and appends wait until the index is built.
--
-- loses nothing

LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
ALTER INDEX event_store.idx_events_correlation RENAME TO idx_events_correlation_feed;
CREATE INDEX idx_events_correlation ON event_store.events (correlation_id) WHERE correlation_id IS NOT NULL;
