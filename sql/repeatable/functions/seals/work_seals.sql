-- The worker calls this again and again. It seals what is a minute old. If it sealed sooner, a quiet store would have a
-- seal for every few events. If it sealed later, there would be more time to change an event that no seal covers yet.
--
-- SE012 the store was restored into another cluster and has not been deployed since.
CREATE OR REPLACE FUNCTION event_store.work_seals() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT event_store.seal_events('1 minute')
$$;
