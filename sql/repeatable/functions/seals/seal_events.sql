-- Seals the part of the feed that is final and not sealed yet, once its oldest event is older than `age`. Returns the
-- number of events sealed.
--
-- If two calls run at the same time, one inserts its seals; the other finds the first number taken and seals nothing.
-- No lock keeps them apart, because the application could hold it: any advisory lock and, as the database's owner, by
-- an ANALYZE in an open transaction, every table lock that excludes itself. Either would stop the sealer, and nobody
-- would notice.
--
-- A seal has up to 10,000 events, and a call makes up to 10 seals (100,000 events, about a second). Hashing holds nobody
-- back: the transaction gets an id, for which readers under REPEATABLE READ would wait, only when everything is hashed
-- and the rows are inserted. If there is nothing to seal, it gets no id.
--
-- SE012 the store was restored into another cluster and has not been deployed since.
CREATE OR REPLACE FUNCTION event_store.seal_events(age interval) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Every append below it has ended, so no event can appear there any more.
    horizon  constant xid8 := event_store.next_horizon();
    previous event_store.seals;
    next     event_store.seals;
    sealed   event_store.seals[] := '{}';
BEGIN
    SELECT * INTO previous FROM event_store.seals s ORDER BY s.seal DESC LIMIT 1;
    IF NOT FOUND THEN
        previous.seal := 0;
        previous.last_transaction_id := '0';
        previous.last_position := 0;
        previous.hash := decode(repeat('00', 32), 'hex');
    END IF;

    WHILE cardinality(sealed) < 10 AND (
        -- An event with a time in the future, from a clock that was wrong, is sealed at once.
        SELECT oldest.created_at NOT BETWEEN clock_timestamp() - seal_events.age AND clock_timestamp()
          FROM (SELECT e.created_at
                  FROM event_store.events e
                 WHERE (e.transaction_id, e.global_position) > (previous.last_transaction_id, previous.last_position)
                   AND e.transaction_id < horizon
                 ORDER BY e.transaction_id, e.global_position
                 LIMIT 1) oldest)
    LOOP
        next.seal := previous.seal + 1;
        next.after_transaction_id := previous.last_transaction_id;
        next.after_position := previous.last_position;
        next.previous_hash := previous.hash;

        WITH stretch AS MATERIALIZED (
            SELECT e.transaction_id, e.global_position, event_store.leaf_hash(event_store.event_line(e)) AS leaf
              FROM event_store.events e
             WHERE (e.transaction_id, e.global_position) > (previous.last_transaction_id, previous.last_position)
               AND e.transaction_id < horizon
             ORDER BY e.transaction_id, e.global_position
             LIMIT 10000
        )
        SELECT string_agg(s.leaf, '' ORDER BY s.transaction_id, s.global_position), count(*),
               (array_agg(s.transaction_id ORDER BY s.transaction_id DESC, s.global_position DESC))[1],
               (array_agg(s.global_position ORDER BY s.transaction_id DESC, s.global_position DESC))[1]
          INTO next.leaves, next.event_count, next.last_transaction_id, next.last_position
          FROM stretch s;

        next.root := event_store.merkle_root(next.leaves);
        next.sealed_at := clock_timestamp();
        next.hash := sha256(convert_to(event_store.seal_line(next), 'UTF8'));
        sealed := sealed || next;
        previous := next;
    END LOOP;

    IF cardinality(sealed) > 0 THEN
        INSERT INTO event_store.seals SELECT * FROM unnest(sealed[1:1]) ON CONFLICT (seal) DO NOTHING;
        IF NOT FOUND THEN
            RETURN 0;
        END IF;
        INSERT INTO event_store.seals SELECT * FROM unnest(sealed[2:]);
    END IF;
    RETURN (SELECT coalesce(sum(s.event_count), 0) FROM unnest(sealed) s);
END
$$;
