-- What the worker calls again and again: seals what is a minute old. Sooner there would be a seal for every few events of
-- a quiet store; later, more time for somebody to change an event that no seal covers yet.
--
-- SE012 the store was restored into another cluster and not deployed since.
CREATE OR REPLACE FUNCTION event_store.work_seals() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT event_store.seal_events('1 minute')
$$;
