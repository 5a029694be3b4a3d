-- The Merkle tree hash (RFC 6962) over leaf hashes of 32 bytes, concatenated in their order.
CREATE OR REPLACE FUNCTION event_store.merkle_root(leaves bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    nodes bytea := leaves;
BEGIN
    IF length(nodes) = 0 THEN
        RETURN sha256('');
    END IF;
    WHILE length(nodes) > 32 LOOP
        nodes := event_store.merkle_level(nodes);
    END LOOP;
    RETURN nodes;
END
$$;
