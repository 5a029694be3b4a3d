-- Takes back up.sql. Readers on standbys read what is committed, also if no other standby has it.
--
-- loses nothing
DROP SEQUENCE event_store.confirmed_horizon;
