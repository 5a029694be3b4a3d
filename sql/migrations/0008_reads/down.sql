-- Takes back up.sql.
--
-- loses nothing

DROP INDEX event_store.idx_events_correlation;
CREATE INDEX idx_events_correlation ON event_store.events (correlation_id) WHERE correlation_id IS NOT NULL;

DROP INDEX event_store.idx_events_causation;
DROP INDEX event_store.idx_events_category;
