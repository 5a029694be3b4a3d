-- Whether an event has one of these types (NULL = any) and belongs to this partition. Not for the application. It is
-- one expression without SET or SECURITY DEFINER, so that the planner inlines it.
CREATE OR REPLACE FUNCTION event_store.feed_filter(
    event_type      text,
    aggregate_type  text,
    aggregate_id    uuid,
    event_types     text[],
    aggregate_types text[],
    partitions      integer,
    partition       integer
)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT (event_types IS NULL OR event_type = ANY (event_types))
       AND (aggregate_types IS NULL OR aggregate_type = ANY (aggregate_types))
       AND (partitions = 1 OR event_store.partition_of(aggregate_type, aggregate_id, partitions) = partition)
$$;
