-- The key of an aggregate's advisory lock. Whoever appends to the aggregate shares or holds the lock until the end of the
-- transaction: see await_turn(). If two aggregates happen to share a key, their appends wait for each other, and nothing
-- worse happens. The planner inlines this function.
CREATE OR REPLACE FUNCTION event_store.aggregate_lock(aggregate_type text, aggregate_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(aggregate_type, uuid_hash_extended(aggregate_id, 0))
$$;
