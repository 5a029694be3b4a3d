-- Refuses a decision if an event that matches its query was stored and was not visible at its marker. The caller has the
-- locks that keep others from appending such an event: see await_types() and await_tags(). For a query that every event
-- matches this takes the lock: nobody else inserts then. So what is looked for in a statement that begins afterwards is
-- final.
--
-- Only READ COMMITTED has such a statement. docs/decisions.md has the whole argument.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both. SE002 malformed; SE021 an
-- event stands against the decision; SE022 the marker is of another history; 0A000 the transaction has an old snapshot.
CREATE OR REPLACE FUNCTION event_store.refuse_decision(query jsonb, marker text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    settings record;
    seen     record;
    found    event_store.events;
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'a decision cannot be stored under %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Begin the transaction with READ COMMITTED: the snapshot of this one may be too old.';
    END IF;
    IF EXISTS (SELECT FROM event_store.query_items(query) i WHERE i.event_types IS NULL AND i.tags IS NULL) THEN
        LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    seen := event_store.read_marker(marker);
    SELECT s.fork, s.feed_offset INTO settings FROM event_store.settings s;
    IF marker IS NULL THEN
        SELECT (m.event).* INTO found
          FROM event_store.matching_events(query, '0', 0, 1) m
         ORDER BY (m.event).transaction_id, (m.event).global_position
         LIMIT 1;
    ELSIF seen.fork <> settings.fork THEN
        RAISE EXCEPTION 'the marker is of another history of the store'
            USING ERRCODE = 'SE022',
                  DETAIL = format('its history %s, the present history %s', seen.fork, settings.fork),
                  HINT = 'The server was started, restored or replaced since: read the events again, and decide again.';
    ELSE
        SELECT (m.event).* INTO found
          FROM event_store.matching_events(
                   query, (pg_snapshot_xmin(seen.snapshot)::text::bigint + settings.feed_offset)::text::xid8, 0, NULL) m
         WHERE (m.event).global_position <> ALL (seen.seen)
           AND NOT event_store.was_visible((m.event).transaction_id::text::bigint - settings.feed_offset, m.inserted_by,
                                           seen.snapshot)
         ORDER BY (m.event).transaction_id, (m.event).global_position
         LIMIT 1;
    END IF;
    IF found.event_id IS NOT NULL THEN
        RAISE EXCEPTION 'an event stands against the decision'
            USING ERRCODE = 'SE021',
                  DETAIL = format('event %s (%s), version %s of %s %s, at (%s, %s)', found.event_id, found.event_type,
                                  found.event_version, found.aggregate_type, found.aggregate_id, found.transaction_id,
                                  found.global_position),
                  HINT = 'It matches the query and was not visible when the marker was made: read the events again, and '
                      || 'decide again.';
    END IF;
END
$$;
