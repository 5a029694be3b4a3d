-- Raises the error that says why a consumer does not hold a partition: always SE010. Not for the application. It has
-- neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.refuse_consumer(subscription_name text, partition integer, token bigint)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    present event_store.subscription_partitions;
BEGIN
    SELECT p.* INTO present
      FROM event_store.subscription_partitions p
     WHERE p.subscription_name = refuse_consumer.subscription_name::varchar AND p.partition = refuse_consumer.partition;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no partition % of a subscription %', refuse_consumer.partition,
                        refuse_consumer.subscription_name
            USING ERRCODE = 'SE010',
                  HINT = 'create_subscription() makes a subscription; its partitions are numbered from 0.';
    END IF;
    RAISE EXCEPTION 'the lease of partition % of subscription % is lost', refuse_consumer.partition,
                    refuse_consumer.subscription_name
        USING ERRCODE = 'SE010',
              DETAIL = format('token %s, present token %s, held by %s until %s', refuse_consumer.token, present.token,
                              coalesce(present.consumer, 'nobody'), present.leased_until),
              HINT = 'Roll back what you did for these events, and claim a partition again.';
END
$$;
