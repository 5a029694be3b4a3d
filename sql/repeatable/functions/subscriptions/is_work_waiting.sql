-- Whether claim_partition() would hand out a partition that has something after its checkpoint. It only reads, so a
-- consumer with nothing to do can ask again and again. false also if there is no such subscription.
--
-- SE012 the store was restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.is_work_waiting(subscription_name text)
RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM event_store.subscription_partitions p CROSS JOIN event_store.feed_end() AS feed
         WHERE p.subscription_name = is_work_waiting.subscription_name::varchar
           AND event_store.is_lease_over(p.leased_until, p.lease)
           AND (p.transaction_id, p.global_position) < (feed.transaction_id, feed.global_position))
$$;
