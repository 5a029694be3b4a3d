-- Gives a partition back before the lease ends, so that another consumer can have it at once. true = released, false =
-- it was no longer held with this token, and there is nothing to do.
CREATE OR REPLACE FUNCTION event_store.release_partition(subscription_name text, partition integer, token bigint)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE event_store.subscription_partitions p
       SET consumer = NULL, lease = NULL, leased_until = NULL
     WHERE p.subscription_name = release_partition.subscription_name::varchar
       AND p.partition = release_partition.partition
       AND p.token = release_partition.token AND p.leased_until IS NOT NULL;
    RETURN FOUND;
END
$$;
