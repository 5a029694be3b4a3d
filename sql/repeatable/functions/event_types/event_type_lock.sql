-- The advisory lock of an event type, as a key: shared by those who validate by its schema, exclusive for who replaces
-- it.
CREATE OR REPLACE FUNCTION event_store.event_type_lock(event_type text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(event_type, 3)
$$;
