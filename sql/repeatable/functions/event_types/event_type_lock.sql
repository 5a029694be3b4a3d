-- The key of an event type's advisory lock. Whoever validates by the type's schema shares the lock; whoever replaces
-- the schema holds it exclusively.
CREATE OR REPLACE FUNCTION event_store.event_type_lock(event_type text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(event_type, 3)
$$;
