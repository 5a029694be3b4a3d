-- Takes back up.sql. A rebuild of the projection finds such events again.
--
-- rebuilds event_store.unapplied_events

DROP TABLE event_store.unapplied_events;

-- In the language that the migration 0002 takes back with its extension.
SET LOCAL ROLE NONE;
DROP FUNCTION IF EXISTS event_store.load_characters(), event_store.load_patterns(), event_store.load_ambiguity();
SET LOCAL ROLE event_store_owner;
