-- Moves all checkpoints of a subscription to one cursor, two numbers or a text, forward or back; by default to the
-- beginning. Ends all leases: a consumer that is at work is refused with SE010 when it acknowledges.
--
-- SE002 the cursor is not a place in the feed; SE010 unknown subscription; SE012 the store was restored into another
-- cluster; SE018 the cursor is of a lost history; SE019 a new history begins and is not recorded yet.
CREATE OR REPLACE FUNCTION event_store.reset_subscription(
    subscription_name text,
    transaction_id    xid8 DEFAULT '0',
    global_position   bigint DEFAULT 0,
    cursor            text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.check_history();
    IF reset_subscription.cursor IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO transaction_id, global_position
          FROM event_store.place_of(reset_subscription.cursor) p;
    END IF;
    PERFORM event_store.check_cursor(reset_subscription.transaction_id, reset_subscription.global_position);
    UPDATE event_store.subscription_partitions p
       SET transaction_id = reset_subscription.transaction_id, global_position = reset_subscription.global_position,
           token = nextval('event_store.subscription_tokens'), consumer = NULL, lease = NULL, leased_until = NULL
     WHERE p.subscription_name = reset_subscription.subscription_name::varchar;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no subscription %', reset_subscription.subscription_name
            USING ERRCODE = 'SE010', HINT = 'create_subscription() makes it.';
    END IF;
END
$$;
