-- The next level of a Merkle tree, both as concatenated hashes of 32 bytes: two nodes make one, an odd last one goes up
-- as it is. Level by level that is RFC 6962's tree. One bytea, because reading the n-th element of an array walks over
-- all that stand before it.
CREATE OR REPLACE FUNCTION event_store.merkle_level(nodes bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(string_agg(sha256(decode('01', 'hex') || substring(nodes FROM pair * 64 + 1 FOR 64)), '' ORDER BY pair), '')
           || substring(nodes FROM length(nodes) / 64 * 64 + 1)
      FROM generate_series(0, length(nodes) / 64 - 1) AS pair
$$;
