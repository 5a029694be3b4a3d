-- The key of an event type's advisory lock. Whoever appends an event of the type shares the lock until the end of the
-- transaction; whoever changes what is registered of the type holds it exclusively. So an append never commits what the
-- type no longer allows, and no schema is replaced under which somebody has appended and not yet committed.
CREATE OR REPLACE FUNCTION event_store.event_type_lock(event_type text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(event_type, 3)
$$;
