-- Takes back up.sql. The readers of the feed wait for every transaction that writes.
--
-- rebuilds event_store.settings

LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
DROP TABLE event_store.subtransactions;
ALTER TABLE event_store.settings DROP COLUMN bounds_are_complete;
