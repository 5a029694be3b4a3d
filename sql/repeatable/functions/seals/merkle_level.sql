-- The next level of a Merkle tree; both levels are concatenated hashes of 32 bytes. Two nodes make one, and an odd last
-- node goes up as it is. Level by level this gives RFC 6962's tree. The nodes are one bytea, because reading the n-th
-- element of an array walks over all elements before it.
CREATE OR REPLACE FUNCTION event_store.merkle_level(nodes bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(string_agg(sha256(decode('01', 'hex') || substring(nodes FROM pair * 64 + 1 FOR 64)), '' ORDER BY pair), '')
           || substring(nodes FROM length(nodes) / 64 * 64 + 1)
      FROM generate_series(0, length(nodes) / 64 - 1) AS pair
$$;
