-- The key of the lock that publishes a bound: its lower 32 bits. published_bounds() turns it back. The planner inlines
-- this function.
CREATE OR REPLACE FUNCTION event_store.bound_key(bound bigint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT (bound << 32 >> 32)::integer
$$;
