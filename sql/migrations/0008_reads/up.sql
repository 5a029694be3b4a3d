-- Indexes for the reads by category, correlation and causation. Each ends in the feed's order, so that a page costs what
-- its limit says: with the correlation's id alone, a page of 100 from a correlation of 50,000 events reads and sorts all
-- of them, 240 ms at 1 million events; with this one it takes 0.14 ms.
--
-- Their price: 4 µs for each of 1,000 events with both ids that are appended in one call (14 µs without them), 4 % on an
-- append of one event. An id that is NULL is not indexed.
--
-- Only CREATE INDEX in here: it lets readers go on, and needs no stronger lock later. The index that is replaced goes in
-- the next migration, because DROP INDEX wants a lock that an append under way would never let this transaction have.
CREATE INDEX idx_events_category ON event_store.events (aggregate_type, transaction_id, global_position);
CREATE INDEX idx_events_causation ON event_store.events (causation_id, transaction_id, global_position)
    WHERE causation_id IS NOT NULL;
CREATE INDEX idx_events_correlation_feed ON event_store.events (correlation_id, transaction_id, global_position)
    WHERE correlation_id IS NOT NULL;
