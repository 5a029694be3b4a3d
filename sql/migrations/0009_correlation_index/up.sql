-- The index of the migration before takes the documented name, and the old one goes. The strongest lock first, and nothing
-- that takes long under it.
LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
DROP INDEX event_store.idx_events_correlation;
ALTER INDEX event_store.idx_events_correlation_feed RENAME TO idx_events_correlation;
