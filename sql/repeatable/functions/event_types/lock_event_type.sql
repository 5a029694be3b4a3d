-- Every change of an event type begins with this. It waits for appends that are validating by the type's schema, and
-- for everybody else who is changing a type, whichever type that is. Not for the application.
--
-- All changes exclude each other because they all write one row, the settings, when a type is validated for the first
-- time. Otherwise two transactions that each change several types could deadlock: one would hold the row and wait for
-- the other's type, the other would hold that type and wait for the row.
--
-- The lock that all changes have in common is that of the type with the empty name. No event has this type, so no
-- append waits for it.
CREATE OR REPLACE FUNCTION event_store.lock_event_type(event_type text) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    SELECT pg_advisory_xact_lock(event_store.event_type_lock(''));
    SELECT pg_advisory_xact_lock(event_store.event_type_lock(event_type))
$$;
