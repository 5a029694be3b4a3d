-- The key of a tag's advisory lock: see await_tags(). If two tags happen to share a key, they wait for each other, and
-- nothing worse happens. The planner inlines this function.
CREATE OR REPLACE FUNCTION event_store.tag_lock(tag text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT hashtextextended(tag, 4)
$$;
