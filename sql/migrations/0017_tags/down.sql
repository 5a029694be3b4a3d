-- Takes back up.sql; CASCADE takes along the functions that have items of queries as arguments. Events keep everything but
-- their tags; the seals of events that had tags no longer verify.
--
-- loses event_store.events WHERE tags IS NOT NULL
-- loses event_store.event_tags

LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
DROP SEQUENCE event_store.last_decision;
DROP TYPE event_store.query_item CASCADE;
DROP TABLE event_store.event_tags;
ALTER TABLE event_store.events DROP COLUMN tags;
