-- What every change of an event type begins with: waits for the appends that validate by its schema at this moment, and for
-- whoever else changes a type, whichever. For all of them write one row, the settings, when they have a type validated for
-- the first time: of two that each change several types in a transaction, one would hold the row and wait for the other's
-- type, and the other the reverse. Not for the application.
--
-- The lock that they have in common is that of the type without a name, which no event has: so no append waits for it.
CREATE OR REPLACE FUNCTION event_store.lock_event_type(event_type text) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    SELECT pg_advisory_xact_lock(event_store.event_type_lock(''));
    SELECT pg_advisory_xact_lock(event_store.event_type_lock(event_type))
$$;
