-- Takes back up.sql. Events keep everything but their tags; the seals of events that had tags no longer verify.
--
-- loses event_store.event_tags

LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
DROP SEQUENCE event_store.last_decision;
DROP TABLE event_store.event_tags;
ALTER TABLE event_store.events DROP COLUMN tags;
