-- The worker that announces new events.
GRANT USAGE ON SCHEMA event_store TO event_store_worker;
GRANT EXECUTE ON FUNCTION event_store.work_feed TO event_store_worker;
