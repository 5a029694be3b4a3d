-- Takes back up.sql. CASCADE takes along the functions over the table's row type. The numbers stay as high as they are; a
-- cursor of a lost history is no longer recognised.
--
-- loses event_store.forks WHERE reason <> 'first'
-- rebuilds event_store.settings

LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER IF EXISTS settings_completed ON event_store.settings;
DROP TABLE event_store.forks CASCADE;
ALTER TABLE event_store.settings
    DROP COLUMN fork,
    DROP COLUMN timeline,
    DROP COLUMN server_start,
    DROP COLUMN table_id;

-- The superuser's, see its file.
SET LOCAL ROLE NONE;
DROP FUNCTION IF EXISTS event_store.server_state();
SET LOCAL ROLE event_store_owner;
