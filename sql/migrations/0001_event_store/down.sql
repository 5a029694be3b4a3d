-- CASCADE takes the repeatable objects (functions, views) along. THIS DROPS EVERY EVENT.
DROP FUNCTION IF EXISTS public.refresh_materialized_views();
DROP SCHEMA projections CASCADE;
DROP SCHEMA event_store CASCADE;

ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;

SET LOCAL ROLE NONE;
ALTER SCHEMA public OWNER TO pg_database_owner;
SET LOCAL ROLE event_store_owner;
