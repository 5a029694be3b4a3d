-- The worker's instances `projections` and `views`.
REVOKE ALL ON SCHEMA projections, projections_rebuild FROM event_store_worker;
GRANT USAGE ON SCHEMA event_store TO event_store_worker;
GRANT EXECUTE ON FUNCTION event_store.work_projections, event_store.work_views TO event_store_worker;
