-- The events of one partition after its checkpoint, in the order of the feed, at most max_count. Acknowledge the last
-- row when all are handled. No row: there is nothing new yet.
--
-- One call looks at 10,000 events of the feed (or at max_count, if that is more). The last row may then be a cursor
-- without an event (event_id IS NULL): see scan_feed(). Acknowledge it like an event.
--
-- A row may be newer than the statement that calls this: see read_feed().
--
-- If the token of the claim is passed, a consumer that has lost the partition is refused here, and not only when it
-- acknowledges. Without a token anybody may read.
--
-- SE010 unknown subscription or partition, or the token is no longer valid; SE012 the store was restored into another
-- cluster.
CREATE OR REPLACE FUNCTION event_store.read_partition(
    subscription_name text,
    partition         integer,
    max_count         integer DEFAULT 1000,
    token             bigint DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present record;
BEGIN
    SELECT p.transaction_id, p.global_position, s.event_types, s.aggregate_types, s.partitions
      INTO present
      FROM event_store.subscription_partitions p
      JOIN event_store.subscriptions s USING (subscription_name)
     WHERE p.subscription_name = read_partition.subscription_name::varchar AND p.partition = read_partition.partition
       AND (read_partition.token IS NULL OR (p.token = read_partition.token AND p.leased_until IS NOT NULL));
    IF NOT FOUND THEN
        PERFORM event_store.refuse_consumer(read_partition.subscription_name, read_partition.partition, read_partition.token);
    END IF;
    RETURN QUERY
    SELECT f.* FROM event_store.scan_feed(present.transaction_id, present.global_position, read_partition.max_count,
                                          present.event_types, present.aggregate_types, present.partitions,
                                          read_partition.partition) f;
END
$$;
