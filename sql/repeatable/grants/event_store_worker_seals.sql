-- The worker that seals events.
GRANT USAGE ON SCHEMA event_store TO event_store_worker;
GRANT EXECUTE ON FUNCTION event_store.work_seals TO event_store_worker;
