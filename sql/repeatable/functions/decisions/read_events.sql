-- The events that match a query, in the feed's order, at most max_count (NULL = all), for a decision that append_if() is to
-- store. The first row is no event: it has the marker, which tells append_if() what was visible here, and NULL everywhere
-- else.
--
-- query: a JSON array of items, {"types": [...], "tags": [...]}. An event matches if it matches one item: if it has one of
-- the item's types (left out = any), and all of its tags (left out = any). [] is every event. Of an item's tags, name
-- first the one that the fewest decisions have in common: the events are looked up by it, and decisions with it wait for
-- each other.
-- Only after a place in the feed, if one is given: two numbers, or the cursor as text (after).
--
-- The marker is about the whole query, whatever the place and max_count leave out. So a decision that reads several pages
-- passes the marker of the first one: what was stored meanwhile is in its way, also if a later page has returned it.
--
-- Everything that is committed is returned, even above the feed's horizon. STABLE, so that events and marker are of one
-- snapshot. SE002 malformed; SE018 the cursor is of a lost history; SE019 its history is not known here yet.
CREATE OR REPLACE FUNCTION event_store.read_events(
    query                jsonb,
    after_transaction_id xid8 DEFAULT '0',
    after_position       bigint DEFAULT 0,
    max_count            integer DEFAULT NULL,
    after                text DEFAULT NULL
)
RETURNS TABLE (
    marker          text,
    event_id        uuid,
    global_position bigint,
    transaction_id  xid8,
    aggregate_id    uuid,
    created_at      timestamptz,
    causation_id    uuid,
    correlation_id  uuid,
    event_version   integer,
    schema_version  integer,
    aggregate_type  varchar,
    event_type      varchar,
    actor           varchar,
    actor_type      varchar,
    source          varchar,
    created_by      varchar,
    event_data      jsonb,
    metadata        jsonb,
    tags            text[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    snapshot constant pg_snapshot := event_store.present_snapshot();
    items    constant event_store.query_item[] := event_store.query_items(read_events.query);
    settings record;
BEGIN
    IF read_events.after IS NOT NULL THEN
        SELECT p.transaction_id, p.global_position INTO after_transaction_id, after_position
          FROM event_store.place_of(read_events.after) p;
    END IF;
    PERFORM event_store.check_place(read_events.after_transaction_id, read_events.after_position);
    SELECT s.fork, s.feed_offset INTO settings FROM event_store.settings s;
    read_events.marker := (
        SELECT event_store.marker_of(settings.fork, snapshot, array_agg(DISTINCT (m.event).global_position))
          FROM event_store.matching_events(
                   items,
                   (pg_snapshot_xmin(snapshot)::text::bigint + settings.feed_offset)::text::xid8, 0, NULL) m
         WHERE NOT event_store.was_visible((m.event).transaction_id::text::bigint - settings.feed_offset, m.inserted_by,
                                           snapshot));
    RETURN NEXT;

    RETURN QUERY
    SELECT NULL::text, (m.event).event_id, (m.event).global_position, (m.event).transaction_id, (m.event).aggregate_id,
           (m.event).created_at, (m.event).causation_id, (m.event).correlation_id, (m.event).event_version,
           (m.event).schema_version, (m.event).aggregate_type, (m.event).event_type, (m.event).actor, (m.event).actor_type,
           (m.event).source, (m.event).created_by, (m.event).event_data, (m.event).metadata, (m.event).tags
      FROM (SELECT DISTINCT ON ((m.event).transaction_id, (m.event).global_position) m.event
              FROM event_store.matching_events(items, read_events.after_transaction_id,
                                               read_events.after_position, read_events.max_count) m
             ORDER BY (m.event).transaction_id, (m.event).global_position) m
     ORDER BY (m.event).transaction_id, (m.event).global_position
     LIMIT read_events.max_count;
END
$$;
