-- Deletes a subscription and its checkpoints. A consumer that holds one of its partitions gets SE010 at its next call.
-- true = dropped, false = there was none of that name.
CREATE OR REPLACE FUNCTION event_store.drop_subscription(subscription_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    DELETE FROM event_store.subscription_partitions p
     WHERE p.subscription_name = drop_subscription.subscription_name::varchar;
    DELETE FROM event_store.subscriptions s WHERE s.subscription_name = drop_subscription.subscription_name::varchar;
    RETURN FOUND;
END
$$;
