-- CASCADE takes the repeatable objects (functions, views) along. THIS DROPS EVERY EVENT.
--
-- keeps event_store.events
-- loses event_store.commands
-- loses event_store.event_types WHERE event_type <> 'PersonalDataErased'
-- rebuilds event_store.snapshots
-- rebuilds event_store.projections

DROP FUNCTION IF EXISTS public.refresh_materialized_views();
DROP SCHEMA projections CASCADE;
DROP SCHEMA event_store CASCADE;

ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;

SET LOCAL ROLE NONE;
ALTER SCHEMA public OWNER TO pg_database_owner;
SET LOCAL ROLE event_store_owner;
