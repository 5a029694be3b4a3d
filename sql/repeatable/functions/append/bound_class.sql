-- The class of the advisory locks by which appends publish the bounds of their numbers: the first of the two integers. The
-- other advisory locks of the store have one bigint, so they are others.
CREATE OR REPLACE FUNCTION event_store.bound_class() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 1702259045
$$;
