-- Publishes, until the transaction (or the savepoint) ends, that its next number in the feed is not below `bound`: as the
-- key of a shared advisory lock, which everybody finds in pg_locks.
--
-- It never waits. If somebody holds the lock exclusively, which nothing of the store does, a lower bound serves as well.
-- It is chosen at random, so that nobody can hold all of them. It is less than 2^21 lower, because a key has 32 bits, and
-- the reader takes them for the number nearest to the ids of now: PostgreSQL refuses to hand out ids 3 million before
-- 2^31 lie between the oldest and the next.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. 55P03 no bound can be
-- published.
CREATE OR REPLACE FUNCTION event_store.publish_bound(bound bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    lower bigint := bound;
BEGIN
    FOR attempt IN 1 .. 20 LOOP
        IF pg_try_advisory_xact_lock_shared(event_store.bound_class(), event_store.bound_key(lower)) THEN
            RETURN;
        END IF;
        lower := bound - ceil(random() * least(16 ^ attempt, 1048576))::bigint;
    END LOOP;
    RAISE EXCEPTION 'the append cannot announce its place in the feed'
        USING ERRCODE = 'lock_not_available',
              DETAIL = format('Somebody holds exclusive advisory locks of the class %s.', event_store.bound_class()),
              HINT = 'pg_locks says which session it is (locktype advisory, objsubid 2). End it, and append again.';
END
$$;
