-- A leaf of the Merkle tree: RFC 6962's hash of an event's line. STABLE like convert_to(), so that the planner inlines
-- it. decode() is used and not a literal with a backslash, which would mean something else without
-- standard_conforming_strings.
CREATE OR REPLACE FUNCTION event_store.leaf_hash(line text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT sha256(decode('00', 'hex') || convert_to(line, 'UTF8'))
$$;
