-- Whether an inclusion proof is valid (RFC 9162, 2.1.3.2). It reads nothing but its arguments, so `root` can come from
-- an export that the caller trusts.
CREATE OR REPLACE FUNCTION event_store.verify_inclusion(
    event       text,
    place       bigint,
    event_count integer,
    path        bytea[],
    root        bytea
)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    node     bigint := place - 1;
    last     bigint := event_count - 1;
    hash     bytea  := event_store.leaf_hash(event);
    sibling  bytea;
BEGIN
    IF (node BETWEEN 0 AND last) IS NOT TRUE THEN
        RETURN false;
    END IF;
    FOREACH sibling IN ARRAY path LOOP
        IF last = 0 OR length(sibling) <> 32 THEN
            RETURN false;
        END IF;
        IF node % 2 = 1 OR node = last THEN
            hash := event_store.merkle_level(sibling || hash);
            -- An odd last node has gone up alone until here.
            WHILE node % 2 = 0 AND node > 0 LOOP
                node := node / 2;
                last := last / 2;
            END LOOP;
        ELSE
            hash := event_store.merkle_level(hash || sibling);
        END IF;
        node := node / 2;
        last := last / 2;
    END LOOP;
    RETURN last = 0 AND hash = root;
END
$$;
