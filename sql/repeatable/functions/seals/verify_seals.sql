-- Compares the stored events with their seals, and the seals with each other: one row for each problem, no row = all is
-- well. from_seal, to_seal: the seals to check, both inclusive; NULL = from the first, to the last and on to the end of
-- the feed.
--
--   edited, reordered, deleted, cut off, inserted   events of a seal, see seal_differences()
--   seal missing, seal edited, chain broken         the seals themselves
--   retired too early                               a recorded retirement of seals that were younger than the retention
--   retirement edited                               a recorded retirement that does not match the seals that it names
--   unsealed                                        events older than an hour are not sealed: is the sealer running?
--
-- The stretches of retired events are expected to be empty. A forged retirement of young events is found, because a
-- seal's time is in the chain. Retirements are judged by the present retention: if it has been lengthened since,
-- earlier retirements are reported as well.
-- Some things cannot be found here, because nothing in the database contradicts them: a history that was rewritten
-- together with all its seals, last seals that were deleted, and a forged retirement of events that were old enough to
-- leave. Whoever keeps exports elsewhere finds them with verify_export(). What happened to an event before it was
-- sealed cannot be found at all.
CREATE OR REPLACE FUNCTION event_store.verify_seals(from_seal bigint DEFAULT NULL, to_seal bigint DEFAULT NULL)
RETURNS TABLE (seal bigint, kind text, transaction_id xid8, global_position bigint, event_id uuid, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Days and months as retire_events() counts them.
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
    sealed   event_store.seals;
    previous event_store.seals;
    leaves   bytea;
BEGIN
    SELECT * INTO previous FROM event_store.seals s WHERE s.seal = verify_seals.from_seal - 1;
    IF NOT FOUND THEN
        previous.seal := coalesce(verify_seals.from_seal, 1) - 1;
        IF previous.seal = 0 THEN
            previous.last_transaction_id := '0';
            previous.last_position := 0;
            previous.hash := decode(repeat('00', 32), 'hex');
        END IF;
    END IF;

    FOR sealed IN
        SELECT * FROM event_store.seals s
         WHERE s.seal >= coalesce(verify_seals.from_seal, 1)
           AND (verify_seals.to_seal IS NULL OR s.seal <= verify_seals.to_seal)
         ORDER BY s.seal
    LOOP
        seal := sealed.seal;
        transaction_id := NULL;
        global_position := NULL;
        event_id := NULL;

        IF sealed.seal <> previous.seal + 1 THEN
            kind := 'seal missing';
            detail := format('seals %s to %s are gone', previous.seal + 1, sealed.seal - 1);
            RETURN NEXT;
        ELSIF (sealed.previous_hash, sealed.after_transaction_id, sealed.after_position)
              <> (previous.hash, previous.last_transaction_id, previous.last_position) THEN
            kind := 'chain broken';
            detail := format('it does not follow seal %s: one of the two was recreated', previous.seal);
            RETURN NEXT;
        END IF;
        IF sealed.hash <> sha256(convert_to(event_store.seal_line(sealed), 'UTF8')) THEN
            kind := 'seal edited';
            detail := 'its hash is not the one of its contents';
            RETURN NEXT;
        ELSIF length(sealed.leaves) <> sealed.event_count * 32 OR event_store.merkle_root(sealed.leaves) <> sealed.root THEN
            kind := 'seal edited';
            detail := 'its root is not the one of its leaves';
            RETURN NEXT;
        END IF;

        leaves := event_store.stored_leaves(sealed);
        IF EXISTS (SELECT FROM event_store.retirements r WHERE sealed.seal BETWEEN r.from_seal AND r.to_seal) THEN
            IF length(leaves) > 0 THEN
                kind := 'inserted';
                detail := format('%s event(s) in a stretch that is retired', length(leaves) / 32);
                RETURN NEXT;
            END IF;
        ELSIF leaves <> sealed.leaves AND event_store.merkle_root(leaves) <> sealed.root THEN
            RETURN QUERY
                SELECT sealed.seal, d.kind, d.transaction_id, d.global_position, d.event_id, d.detail
                  FROM event_store.seal_differences(sealed) d;
        END IF;
        previous := sealed;
    END LOOP;

    RETURN QUERY
        SELECT r.to_seal, p.kind, r.last_transaction_id, r.last_position, NULL::uuid,
               format('seals %s to %s, recorded as retired at %s by %s: ', r.from_seal, r.to_seal, r.retired_at, r.retired_by)
               || p.detail
          FROM event_store.retirements r
         CROSS JOIN event_store.settings t
         CROSS JOIN LATERAL (
               SELECT max(s.sealed_at) AS sealed_at,
                      event_store.merkle_root(coalesce(string_agg(s.leaves, '' ORDER BY s.seal), '')) AS root
                 FROM event_store.seals s
                WHERE s.seal BETWEEN r.from_seal AND r.to_seal) s
         CROSS JOIN LATERAL (VALUES
               -- Whoever forges a row can write any time into it.
               ('retired too early', (s.sealed_at < least(r.retired_at, clock_timestamp()) - t.retention) IS NOT TRUE,
                format('they were sealed up to %s, the retention is %s', s.sealed_at, t.retention)),
               ('retirement edited', s.root <> r.export_root,
                'its export_root is not that of the seals'' leaves')) p (kind, is_found, detail)
         WHERE p.is_found
           AND r.to_seal >= coalesce(verify_seals.from_seal, 1)
           AND (verify_seals.to_seal IS NULL OR r.to_seal <= verify_seals.to_seal)
         ORDER BY r.to_seal, p.kind;

    IF verify_seals.to_seal IS NULL THEN
        RETURN QUERY
            SELECT NULL::bigint, 'unsealed', e.transaction_id, e.global_position, e.event_id,
                   format('the first event after seal %s was appended at %s', previous.seal, e.created_at)
              FROM event_store.events e
             WHERE (e.transaction_id, e.global_position) > (previous.last_transaction_id, previous.last_position)
               AND e.created_at < clock_timestamp() - interval '1 hour'
             ORDER BY e.transaction_id, e.global_position
             LIMIT 1;
    ELSIF previous.seal < verify_seals.to_seal THEN
        seal := NULL;
        kind := 'seal missing';
        detail := format('seals %s to %s are gone', previous.seal + 1, verify_seals.to_seal);
        RETURN NEXT;
    END IF;
END
$$;
