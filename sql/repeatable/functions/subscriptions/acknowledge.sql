-- Moves a partition's checkpoint forward to a row that the consumer has handled, and begins its lease anew (the same
-- cursor once more does only that).
--
-- In the transaction of the consumer's own writes it makes them effective exactly once: both are committed, or neither.
-- From here to the end of that transaction nobody can claim the partition, however long ago the lease ended; a lease that
-- has ended, and was claimed by nobody since, is still good. As any transaction that writes, it holds the feed back
-- while it is open, so let this be its last statement but COMMIT.
--
-- SE002 the cursor lies before the checkpoint or ahead of the feed; SE010 unknown subscription or partition, or the
-- partition is somebody else's by now; SE012 restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.acknowledge(
    subscription_name text,
    partition         integer,
    token             bigint,
    transaction_id    xid8,
    global_position   bigint
)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present event_store.subscription_partitions;
BEGIN
    PERFORM event_store.check_cursor(acknowledge.transaction_id, acknowledge.global_position);
    UPDATE event_store.subscription_partitions p
       SET transaction_id = acknowledge.transaction_id, global_position = acknowledge.global_position,
           leased_until = clock_timestamp() + p.lease, acknowledged_at = clock_timestamp()
     WHERE p.subscription_name = acknowledge.subscription_name::varchar AND p.partition = acknowledge.partition
       AND p.token = acknowledge.token AND p.leased_until IS NOT NULL
       AND (p.transaction_id, p.global_position) <= (acknowledge.transaction_id, acknowledge.global_position);
    IF FOUND THEN
        RETURN;
    END IF;

    SELECT p.* INTO present
      FROM event_store.subscription_partitions p
     WHERE p.subscription_name = acknowledge.subscription_name::varchar AND p.partition = acknowledge.partition
       AND p.token = acknowledge.token AND p.leased_until IS NOT NULL;
    IF NOT FOUND THEN
        PERFORM event_store.refuse_consumer(acknowledge.subscription_name, acknowledge.partition, acknowledge.token);
    END IF;
    RAISE EXCEPTION 'partition % of subscription % is acknowledged further than that', acknowledge.partition,
                    acknowledge.subscription_name
        USING ERRCODE = 'SE002',
              DETAIL = format('cursor (%s, %s), checkpoint (%s, %s)', acknowledge.transaction_id,
                              acknowledge.global_position, present.transaction_id, present.global_position),
              HINT = 'Acknowledge the last row of a page; reset_subscription() goes back.';
END
$$;
