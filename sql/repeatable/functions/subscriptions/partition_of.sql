-- The partition, 0 to partitions - 1, that an aggregate's events belong to. By the hashes that the server's own hash
-- partitioning uses: they are the same after an upgrade. One expression without SET or SECURITY DEFINER, so that the
-- planner inlines it.
CREATE OR REPLACE FUNCTION event_store.partition_of(aggregate_type text, aggregate_id uuid, partitions integer)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ((pg_catalog.uuid_hash_extended(aggregate_id, pg_catalog.hashtextextended(aggregate_type, 0))
             & 9223372036854775807) % partitions)::integer
$$;
