-- Hands a free partition of a subscription to a consumer, for the length of its lease: one row, or none if all of them
-- are taken. Partitions with something after their checkpoint go first, and of these the one that has waited longest.
-- It never waits for another consumer.
--
-- The lease ends by the server's clock; each acknowledge() restarts it. If the clock is set back, a lease lasts longer,
-- but at most twice its length: one that ends further ahead has ended. The token is the proof of holding the
-- partition. It is no longer valid once somebody else claims the partition; no token is ever handed out twice. Commit
-- before the work begins: the lease is what counts, not an open transaction.
--
-- SE002 malformed argument; SE010 unknown subscription; SE012 the store was restored into another cluster; SE019 a new
-- history begins and is not recorded yet.
CREATE OR REPLACE FUNCTION event_store.claim_partition(
    subscription_name text,
    consumer          text,
    lease             interval DEFAULT '30 seconds'
)
RETURNS TABLE (partition integer, transaction_id xid8, global_position bigint, token bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF (claim_partition.consumer <> '' AND length(claim_partition.consumer) <= 255
        AND claim_partition.lease > '0' AND claim_partition.lease <= '1 day') IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the claim is malformed'
            USING ERRCODE = 'SE002',
                  HINT = 'consumer is a text of 1 to 255 characters, lease an interval above 0 and up to 1 day.';
    END IF;

    -- No token of a history that is over is handed out again.
    PERFORM event_store.check_history();
    -- MATERIALIZED: the search runs once. As a subquery it might run again for each row that the UPDATE considers, each
    -- time passing over the row that it has just taken: a single claim would lease all partitions.
    RETURN QUERY
    WITH free AS MATERIALIZED (
        SELECT f.subscription_name, f.partition
          FROM event_store.subscription_partitions f
         CROSS JOIN event_store.feed_end() AS feed
         WHERE f.subscription_name = claim_partition.subscription_name::varchar
           AND event_store.is_lease_over(f.leased_until, f.lease)
         ORDER BY (f.transaction_id, f.global_position) < (feed.transaction_id, feed.global_position) DESC,
                  -- The tokens are in the order of the claims, whatever the clock has said.
                  f.token, f.partition
         LIMIT 1
           FOR UPDATE OF f SKIP LOCKED)
    UPDATE event_store.subscription_partitions p
       SET token = nextval('event_store.subscription_tokens'), consumer = claim_partition.consumer, lease = claim_partition.lease,
           claimed_at = clock_timestamp(), leased_until = clock_timestamp() + claim_partition.lease
      FROM free
     WHERE p.subscription_name = free.subscription_name AND p.partition = free.partition
    RETURNING p.partition, p.transaction_id, p.global_position, p.token;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM event_store.subscriptions s
                                  WHERE s.subscription_name = claim_partition.subscription_name::varchar)
    THEN
        RAISE EXCEPTION 'there is no subscription %', claim_partition.subscription_name
            USING ERRCODE = 'SE010', HINT = 'create_subscription() makes it.';
    END IF;
END
$$;
