-- How far standbys read the feed, see next_horizon(): the worker of the primary sets it, and the WAL brings it to them. A
-- sequence, and not a row: its old values leave nothing to be cleaned up, which would cancel long queries on standbys.
CREATE SEQUENCE event_store.confirmed_horizon;
