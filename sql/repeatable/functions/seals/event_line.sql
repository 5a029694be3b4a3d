-- The canonical form of an event: one line of JSON with every column; tags only if there are some, so that an event without
-- them has the form of before there were tags. A seal's leaf is the hash of this line, and
-- export_events() writes it. NEVER CHANGE IT: a seal must still verify after years. If a column is added, it needs
-- another form beside this one.
--
-- It is the same for the same event in every session, on PostgreSQL 15 and 17, before and after dump and restore. The
-- keys and their order are fixed, texts are escaped by JSON, and NULL differs from every text. Times are UTC in ISO
-- 8601 to the microsecond, whatever TimeZone and DateStyle say. No float is involved. event_data and metadata appear as
-- jsonb prints them. That form has been the same since PostgreSQL 9.4; if a server version changed it, every event
-- would look edited at once. transaction_id is included, because with global_position it is the order. No restore
-- rewrites it.
--
-- Not for the application. It has no SET, so that the planner inlines it into its callers, which have one.
CREATE OR REPLACE FUNCTION event_store.event_line(event event_store.events) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT left(json_build_object(
        'event_id', event.event_id,
        'transaction_id', event.transaction_id,
        'global_position', event.global_position,
        'aggregate_type', event.aggregate_type,
        'aggregate_id', event.aggregate_id,
        'event_version', event.event_version,
        'event_type', event.event_type,
        'schema_version', event.schema_version,
        'created_at', event.created_at AT TIME ZONE 'UTC',
        'created_by', event.created_by,
        'actor', event.actor,
        'actor_type', event.actor_type,
        'source', event.source,
        'causation_id', event.causation_id,
        'correlation_id', event.correlation_id,
        'event_data', event.event_data,
        'metadata', event.metadata)::text, -1) || coalesce(', "tags" : ' || array_to_json(event.tags)::text, '') || '}'
$$;
