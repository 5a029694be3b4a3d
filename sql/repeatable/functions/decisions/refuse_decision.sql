-- Refuses a decision if an event that matches its query was stored and was not visible at its marker. The caller has the
-- locks that keep others from appending such an event. So what is looked for in a statement that begins afterwards is final.
-- Only READ COMMITTED has such a statement. docs/decisions.md has the whole argument. Without the locks it is only an early
-- answer: see await_tags().
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both. SE002 malformed; SE021 an
-- event stands against the decision; SE022 the marker is of another history; 0A000 the transaction has an old snapshot.
CREATE OR REPLACE FUNCTION event_store.refuse_decision(items event_store.query_item[], marker text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    settings record;
    seen     record;
    lowest   xid8 := '0';
    item     event_store.query_item;
    found    event_store.events;
    first    event_store.events;
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'a decision cannot be stored under %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Begin the transaction with READ COMMITTED: the snapshot of this one may be too old.';
    END IF;
    seen := event_store.read_marker(marker);
    IF marker IS NOT NULL THEN
        SELECT s.fork, s.feed_offset INTO settings FROM event_store.settings s;
        IF seen.fork <> settings.fork THEN
            RAISE EXCEPTION 'the marker is of another history of the store'
                USING ERRCODE = 'SE022',
                      DETAIL = format('its history %s, the present history %s', seen.fork, settings.fork),
                      HINT = 'The server was started, restored or replaced since: read the events again, and decide again.';
        END IF;
        lowest := (pg_snapshot_xmin(seen.snapshot)::text::bigint + settings.feed_offset)::text::xid8;
    END IF;

    FOREACH item IN ARRAY items LOOP
        IF marker IS NULL THEN
            SELECT (m.event).* INTO found FROM event_store.matching_events(ARRAY[item], '0', 0, 1) m;
        ELSE
            SELECT (m.event).* INTO found
              FROM event_store.matching_events(ARRAY[item], lowest, 0, NULL) m
             WHERE (m.event).global_position <> ALL (seen.seen)
               AND NOT event_store.was_visible((m.event).transaction_id::text::bigint - settings.feed_offset, m.inserted_by,
                                               seen.snapshot)
             ORDER BY (m.event).transaction_id, (m.event).global_position
             LIMIT 1;
        END IF;
        IF first.event_id IS NULL
           OR (found.transaction_id, found.global_position) < (first.transaction_id, first.global_position)
        THEN
            first := found;
        END IF;
    END LOOP;
    IF first.event_id IS NOT NULL THEN
        RAISE EXCEPTION 'an event stands against the decision'
            USING ERRCODE = 'SE021',
                  DETAIL = format('event %s (%s), version %s of %s %s, at (%s, %s)', first.event_id, first.event_type,
                                  first.event_version, first.aggregate_type, first.aggregate_id, first.transaction_id,
                                  first.global_position),
                  HINT = 'It matches the query and was not visible when the marker was made: read the events again, and '
                      || 'decide again.';
    END IF;
END
$$;
