-- Takes back up.sql, and the trigger that completes the settings with what it has added.
--
-- rebuilds event_store.settings

LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER IF EXISTS settings_completed ON event_store.settings;
DROP TRIGGER IF EXISTS event_types_noted ON event_store.event_types;
DROP FUNCTION IF EXISTS event_store.note_validated_event_type();
ALTER TABLE event_store.settings DROP COLUMN validated_event_types;
