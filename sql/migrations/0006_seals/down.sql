-- Takes back up.sql. CASCADE takes along the functions over the table's row type. The events stay; what proved that they
-- are the original ones is lost: export the seals before.
--
-- loses event_store.seals

DROP TABLE event_store.seals CASCADE;
