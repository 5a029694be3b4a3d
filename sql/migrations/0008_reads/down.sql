-- Takes back up.sql.
--
-- loses nothing

LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
DROP INDEX event_store.idx_events_correlation_feed;
DROP INDEX event_store.idx_events_causation;
DROP INDEX event_store.idx_events_category;
