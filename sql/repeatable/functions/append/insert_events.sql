-- Inserts well-formed events after a version of an aggregate; returns the last one's id, version and position. The
-- caller holds the aggregate's lock. are_tagged: some of the events may have tags. lowest_number: their number in the feed
-- is not below it; NULL = any.
--
-- The last two have defaults, because there were none of them before there were tags: an append that is under way while a
-- deploy brings this version calls it without. Not for the application. SE003 an event id is stored already, or is in the
-- list twice.
CREATE OR REPLACE FUNCTION event_store.insert_events(
    aggregate_type  text,
    aggregate_id    uuid,
    current_version integer,
    events          jsonb,
    feed_offset     bigint,
    actor           text,
    actor_type      text,
    source          text,
    causation_id    uuid,
    correlation_id  uuid,
    are_tagged      boolean DEFAULT false,
    lowest_number   xid8 DEFAULT NULL,
    OUT event_id        uuid,
    OUT event_version   integer,
    OUT global_position bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    last     record;
    now      timestamptz;
    inserted bigint;
BEGIN
    -- A transaction that has its id already, from an earlier write, may append after a transaction with a later id. The
    -- feed would then have the versions in the wrong order. So the number is never below that of the aggregate's last
    -- event. That event's number is as safe as the transaction's own: the horizon only requires that an event's number is
    -- not below the one that was got after the bound was published.
    --
    -- Nor is the time below that of the last event, although it is taken under the aggregate's lock: the clock may have
    -- been set back since. So within an aggregate a later version never has an earlier time.
    SELECT e.transaction_id, e.created_at INTO last
      FROM event_store.events e
     WHERE insert_events.current_version > 0
       AND e.aggregate_type = insert_events.aggregate_type::varchar AND e.aggregate_id = insert_events.aggregate_id
     -- By version and not by number: otherwise the index on the aggregates is not used as long as there are no
     -- statistics.
     ORDER BY e.event_version DESC
     LIMIT 1;
    now := greatest(clock_timestamp(), last.created_at);
    WITH inserted AS (
        INSERT INTO event_store.events AS e (
            event_id, transaction_id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_data,
            metadata, actor, actor_type, source, causation_id, correlation_id, created_at, tags)
        SELECT coalesce((item.event ->> 'event_id')::uuid, event_store.new_event_id()),
               -- Once, and when the table is locked: who decides on every event locks it before its number is taken.
               (SELECT event_store.feed_number(insert_events.feed_offset,
                                               greatest(last.transaction_id, insert_events.lowest_number))),
               insert_events.aggregate_type, insert_events.aggregate_id,
               insert_events.current_version + item.place::integer,
               item.event ->> 'event_type',
               coalesce((item.event ->> 'schema_version')::integer, 1),
               item.event -> 'event_data',
               coalesce(nullif(item.event -> 'metadata', 'null'), '{}'),
               insert_events.actor, insert_events.actor_type, insert_events.source,
               coalesce((item.event ->> 'causation_id')::uuid, insert_events.causation_id),
               coalesce((item.event ->> 'correlation_id')::uuid, insert_events.correlation_id),
               now,
               CASE WHEN insert_events.are_tagged
                    THEN nullif((jsonb_populate_record(NULL::event_store.query_item, item.event)).tags, '{}') END
          FROM jsonb_array_elements(insert_events.events) WITH ORDINALITY AS item (event, place)
        -- ON CONFLICT waits for a session that is inserting the same id, and then leaves the event out.
        ON CONFLICT (event_id) DO NOTHING
        RETURNING e.event_id, e.event_version, e.global_position
    )
    SELECT i.event_id, i.event_version, i.global_position, count(*) OVER ()
      INTO insert_events.event_id, insert_events.event_version, insert_events.global_position, inserted
      FROM inserted i
     ORDER BY i.event_version DESC
     LIMIT 1;

    IF inserted IS DISTINCT FROM jsonb_array_length(insert_events.events) THEN
        PERFORM event_store.refuse_event_ids(ARRAY(
            SELECT (item ->> 'event_id')::uuid FROM jsonb_array_elements(insert_events.events) AS item));
    END IF;
    IF insert_events.are_tagged THEN
        INSERT INTO event_store.event_tags (tag, transaction_id, global_position)
        SELECT DISTINCT t.tag, e.transaction_id, e.global_position
          FROM event_store.events e
         CROSS JOIN LATERAL unnest(e.tags) AS t (tag)
         WHERE e.aggregate_type = insert_events.aggregate_type::varchar AND e.aggregate_id = insert_events.aggregate_id
           AND e.event_version > insert_events.current_version;
    END IF;
END
$$;
