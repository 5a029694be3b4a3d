-- Takes back up.sql. Readers on standbys read what is committed, also if no other standby has it.
--
-- rebuilds event_store.confirmed_horizon
DROP TABLE event_store.confirmed_horizon;
