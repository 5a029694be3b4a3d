-- The key of the advisory lock of one version of an aggregate: the one behind expected_version. Of those who append with the
-- same exact version, one at a time holds it, until the end of the transaction. See await_turn(). The planner inlines this
-- function.
CREATE OR REPLACE FUNCTION event_store.version_lock(aggregate_type text, aggregate_id uuid, expected_version integer)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(aggregate_type, uuid_hash_extended(aggregate_id, expected_version::bigint + 1))
$$;
