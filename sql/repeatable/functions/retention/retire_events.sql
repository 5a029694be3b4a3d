-- Deletes the events of some seals for good, and records it: this is the only way out of the store. It is for the
-- operator (the superuser; nobody else may call it), who has already written export_events() of the same seals to a
-- file. Returns the number of events.
--
-- export_root: the Merkle tree hash (RFC 6962) over the file's event lines. The operator's side computes it from what
-- it reads back from its disk, so nothing leaves that was not exported completely and unchanged.
-- exported_to: where the file is, for those who look for it years later.
--
-- Seals leave whole, the oldest first. Retire some thousands of events at a time, because vacuum, and readers under
-- REPEATABLE READ, wait for the transaction. The retention is counted from the seal as well, because a seal's time
-- cannot be forged without notice: verify_seals() judges by it.
--
-- If an aggregate goes on, it needs a snapshot of what leaves. If it ends here, its version is kept in
-- retired_aggregates, and it needs no snapshot: most have ended for good, and somebody would have to compute a state of
-- each. If one is appended to after all, load_aggregate() raises SE015 until the state of its archived events is saved
-- by save_snapshot().
--
-- Commands stay, because it must be known that a command was processed for as long as somebody may repeat it.
--
-- SE015 the events cannot be retired (yet): the message says why. SE016 the events are not those that were sealed.
CREATE OR REPLACE FUNCTION event_store.retire_events(
    from_seal   bigint,
    to_seal     bigint,
    export_root bytea,
    exported_to text
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
    retention  constant interval := (SELECT s.retention FROM event_store.settings s);
    oldest     bigint;
    after      event_store.seals;
    last       event_store.seals;
    sealed     event_store.seals;
    leaves     bytea;
    all_leaves bytea := '';
    youngest   timestamptz;
    names      text;
    gone       bigint;
BEGIN
    -- One retirement at a time.
    LOCK TABLE event_store.retirements IN SHARE ROW EXCLUSIVE MODE;

    SELECT coalesce(max(r.to_seal), 0) + 1 INTO oldest FROM event_store.retirements r;
    SELECT * INTO after FROM event_store.seals s WHERE s.seal = retire_events.from_seal;
    SELECT * INTO last FROM event_store.seals s WHERE s.seal = retire_events.to_seal;
    IF (retire_events.from_seal = oldest AND after.seal <= last.seal) IS NOT TRUE THEN
        RAISE EXCEPTION 'seals % to % cannot be retired', retire_events.from_seal, retire_events.to_seal
            USING ERRCODE = 'SE015',
                  DETAIL = format('the first seal that is not retired is %s, the last one is %s', oldest,
                                  (SELECT max(s.seal) FROM event_store.seals s)),
                  HINT = 'Seals leave whole and in their order: event_store.retirable_seals() lists them.';
    END IF;

    SELECT greatest(max(e.created_at), last.sealed_at) INTO youngest
      FROM event_store.events e
     WHERE (e.transaction_id, e.global_position) > (after.after_transaction_id, after.after_position)
       AND (e.transaction_id, e.global_position) <= (last.last_transaction_id, last.last_position);
    IF youngest >= clock_timestamp() - retention THEN
        RAISE EXCEPTION 'seals % to % are younger than the retention', retire_events.from_seal, retire_events.to_seal
            USING ERRCODE = 'SE015',
                  DETAIL = format('the youngest event or seal is from %s, the retention is %s', youngest, retention),
                  HINT = 'Events stay until they and their seal are older than event_store.settings.retention.';
    END IF;

    SELECT string_agg(r.name, ', ') INTO names
      FROM event_store.readers_behind(last.last_transaction_id, last.last_position) AS r (name);
    IF names IS NOT NULL THEN
        RAISE EXCEPTION 'seals % to % hold events that some readers have not read yet', retire_events.from_seal, retire_events.to_seal
            USING ERRCODE = 'SE015',
                  DETAIL = format('behind are: %s', names),
                  HINT = 'Let them catch up, or drop those that nobody needs.';
    END IF;

    WITH leaving AS MATERIALIZED (
        SELECT e.aggregate_type, e.aggregate_id, max(e.event_version) AS version
          FROM event_store.events e
         WHERE (e.transaction_id, e.global_position) > (after.after_transaction_id, after.after_position)
           AND (e.transaction_id, e.global_position) <= (last.last_transaction_id, last.last_position)
         GROUP BY e.aggregate_type, e.aggregate_id
    ),
    incomplete AS (
        SELECT l.*, row_number() OVER (ORDER BY l.aggregate_type, l.aggregate_id) AS number
          FROM leaving l
         WHERE EXISTS (SELECT FROM event_store.events e
                        WHERE (e.aggregate_type, e.aggregate_id) = (l.aggregate_type, l.aggregate_id)
                          AND e.event_version > l.version)
           AND NOT EXISTS (SELECT FROM event_store.snapshots s
                            WHERE (s.aggregate_type, s.aggregate_id) = (l.aggregate_type, l.aggregate_id)
                              AND s.aggregate_version >= l.version)
    )
    SELECT string_agg(format('%s %s at version %s or later', i.aggregate_type, i.aggregate_id, i.version), ', '
                      ORDER BY i.number) FILTER (WHERE i.number <= 10)
           || CASE WHEN count(*) > 10 THEN format(' and %s more', count(*) - 10) ELSE '' END
      INTO names
      FROM incomplete i;
    IF names IS NOT NULL THEN
        RAISE EXCEPTION 'seals % to % hold events of aggregates that go on', retire_events.from_seal, retire_events.to_seal
            USING ERRCODE = 'SE015',
                  DETAIL = format('without a snapshot are: %s', names),
                  HINT = 'Save a snapshot of each of them.';
    END IF;

    FOR sealed IN
        SELECT * FROM event_store.seals s
         WHERE s.seal BETWEEN retire_events.from_seal AND retire_events.to_seal
         ORDER BY s.seal
    LOOP
        leaves := event_store.stored_leaves(sealed);
        IF event_store.merkle_root(leaves) <> sealed.root THEN
            RAISE EXCEPTION 'the events of seal % are not those that were sealed', sealed.seal
                USING ERRCODE = 'SE016',
                      HINT = 'event_store.verify_seals() lists what differs. Events leave only while they verify.';
        END IF;
        all_leaves := all_leaves || leaves;
    END LOOP;
    IF event_store.merkle_root(all_leaves) IS DISTINCT FROM retire_events.export_root THEN
        RAISE EXCEPTION 'the export does not hold exactly the events of seals % to %', retire_events.from_seal, retire_events.to_seal
            USING ERRCODE = 'SE015',
                  DETAIL = format('expected export_root %s', encode(event_store.merkle_root(all_leaves), 'hex')),
                  HINT = 'Export them again, and compute the root from the file that was written.';
    END IF;

    INSERT INTO event_store.retirements (
        from_seal, to_seal, after_transaction_id, after_position, last_transaction_id, last_position, event_count,
        export_root, exported_to)
    VALUES (
        retire_events.from_seal, retire_events.to_seal, after.after_transaction_id, after.after_position,
        last.last_transaction_id, last.last_position, length(all_leaves) / 32, retire_events.export_root,
        retire_events.exported_to);
    WITH leaving AS (
        DELETE FROM event_store.events e
         WHERE (e.transaction_id, e.global_position) > (after.after_transaction_id, after.after_position)
           AND (e.transaction_id, e.global_position) <= (last.last_transaction_id, last.last_position)
        RETURNING e.aggregate_type, e.aggregate_id, e.event_version, e.transaction_id, e.global_position, e.tags
    ),
    untagged AS (
        DELETE FROM event_store.event_tags t
         USING (SELECT DISTINCT n.tag, l.transaction_id, l.global_position
                  FROM leaving l CROSS JOIN LATERAL unnest(l.tags) AS n (tag)) gone
         WHERE t.tag = gone.tag AND t.transaction_id = gone.transaction_id AND t.global_position = gone.global_position
    ),
    ended AS (
        INSERT INTO event_store.retired_aggregates (aggregate_type, aggregate_id, last_version)
        SELECT l.aggregate_type, l.aggregate_id, max(l.event_version)
          FROM leaving l
         GROUP BY l.aggregate_type, l.aggregate_id
        -- The statement still sees what it deletes.
        HAVING NOT EXISTS (SELECT FROM event_store.events e
                            WHERE (e.aggregate_type, e.aggregate_id) = (l.aggregate_type, l.aggregate_id)
                              AND e.event_version > max(l.event_version))
    )
    SELECT count(*) INTO gone FROM leaving;
    RETURN gone;
END
$$;
