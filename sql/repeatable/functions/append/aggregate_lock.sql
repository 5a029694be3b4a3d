-- The advisory lock of an aggregate, as a key: whoever appends to it holds it until the end of the transaction. Two
-- aggregates that share a key wait for each other, and nothing else happens. The planner inlines it.
CREATE OR REPLACE FUNCTION event_store.aggregate_lock(aggregate_type text, aggregate_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(aggregate_type, uuid_hash_extended(aggregate_id, 0))
$$;
