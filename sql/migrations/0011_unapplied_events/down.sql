-- Takes back up.sql. A rebuild of the projection finds such events again.
--
-- rebuilds event_store.unapplied_events

DROP TABLE event_store.unapplied_events;
