-- Moves a partition's checkpoint forward to a row that the consumer has handled, and restarts its lease. (The same
-- cursor again only restarts the lease.)
--
-- If it is called in the transaction of the consumer's own writes, both are committed, or neither. For exactly once,
-- also pass where the page began, as after_transaction_id and after_position: that is the checkpoint after which the
-- page was read. claim_partition() returns it, and each acknowledge() moves it. Without them, a consumer whose
-- connection broke during its COMMIT can read the old page again with the same token, and its writes are there twice if
-- that COMMIT succeeds after all. With them, the second acknowledgement is refused. Look up the checkpoint before
-- read_partition(), or in one statement with it (read_partition() may then see a later one, and the acknowledgement is
-- refused). To prolong only the lease, pass the checkpoint as the cursor, and for where the page began either the checkpoint
-- again or nothing.
--
-- Both places may come as text, as cursor and after: see cursor_of(), and cursor_at() for the checkpoint that
-- claim_partition() returns.
--
-- From here to the end of that transaction nobody can claim the partition, however long ago the lease ended. A lease
-- that has ended is still good if nobody has claimed the partition since. Make this the last statement before COMMIT.
--
-- SE002 the cursor is before the checkpoint or ahead of the feed, or only one of after_transaction_id and
-- after_position was passed; SE010 unknown subscription or partition, somebody else has claimed the partition, or the
-- checkpoint is not where the page began; SE012 the store was restored into another cluster; SE018 the cursor is of a
-- lost history; SE019 a new history begins and is not recorded yet.
CREATE OR REPLACE FUNCTION event_store.acknowledge(
    subscription_name    text,
    partition            integer,
    token                bigint,
    transaction_id       xid8 DEFAULT NULL,
    global_position      bigint DEFAULT NULL,
    after_transaction_id xid8 DEFAULT NULL,
    after_position       bigint DEFAULT NULL,
    cursor               text DEFAULT NULL,
    after                text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present event_store.subscription_partitions;
BEGIN
    PERFORM event_store.check_history();
    IF acknowledge.cursor IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO transaction_id, global_position
          FROM event_store.place_of(acknowledge.cursor) p;
    END IF;
    IF acknowledge.after IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO after_transaction_id, after_position
          FROM event_store.place_of(acknowledge.after) p;
    END IF;
    IF num_nulls(acknowledge.after_transaction_id, acknowledge.after_position) = 1 THEN
        RAISE EXCEPTION 'only one of after_transaction_id and after_position was passed'
            USING ERRCODE = 'SE002',
                  HINT = 'Pass both after_transaction_id and after_position, or neither.';
    END IF;
    PERFORM event_store.check_cursor(acknowledge.transaction_id, acknowledge.global_position);
    UPDATE event_store.subscription_partitions p
       SET transaction_id = acknowledge.transaction_id, global_position = acknowledge.global_position,
           leased_until = clock_timestamp() + p.lease, acknowledged_at = clock_timestamp()
     WHERE p.subscription_name = acknowledge.subscription_name::varchar AND p.partition = acknowledge.partition
       AND p.token = acknowledge.token AND p.leased_until IS NOT NULL
       AND (p.transaction_id, p.global_position) <= (acknowledge.transaction_id, acknowledge.global_position)
       AND (acknowledge.after_transaction_id IS NULL
            OR (p.transaction_id, p.global_position) = (acknowledge.after_transaction_id, acknowledge.after_position));
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
    IF (present.transaction_id, present.global_position)
       <> (acknowledge.after_transaction_id, acknowledge.after_position)
    THEN
        RAISE EXCEPTION 'the checkpoint of partition % of subscription % is not where the page began',
                        acknowledge.partition, acknowledge.subscription_name
            USING ERRCODE = 'SE010',
                  DETAIL = format('page after (%s, %s), checkpoint (%s, %s)', acknowledge.after_transaction_id,
                                  acknowledge.after_position, present.transaction_id, present.global_position),
                  HINT = 'Roll back what you did for these events, and read the partition again: an earlier transaction '
                      || 'has acknowledged them with the same token.';
    END IF;
    RAISE EXCEPTION 'partition % of subscription % is already acknowledged beyond that cursor', acknowledge.partition,
                    acknowledge.subscription_name
        USING ERRCODE = 'SE002',
              DETAIL = format('cursor (%s, %s), checkpoint (%s, %s)', acknowledge.transaction_id,
                              acknowledge.global_position, present.transaction_id, present.global_position),
              HINT = 'Acknowledge the last row of a page; reset_subscription() goes back.';
END
$$;
