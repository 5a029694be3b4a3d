-- The partition, 0 to partitions - 1, that an aggregate's events belong to. It uses the hashes of the server's own hash
-- partitioning, because they stay the same after an upgrade. It is one expression without SET or SECURITY DEFINER, so
-- that the planner inlines it.
CREATE OR REPLACE FUNCTION event_store.partition_of(aggregate_type text, aggregate_id uuid, partitions integer)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ((pg_catalog.uuid_hash_extended(aggregate_id, pg_catalog.hashtextextended(aggregate_type, 0))
             & 9223372036854775807) % partitions)::integer
$$;
