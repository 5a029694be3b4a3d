-- Waits for the locks of a decision, or of events with tags, until the end of the transaction: of types, then of tags. Who
-- decides on types shares those of its own events here as well.
--
-- items: of the query; NULL = no decision. may_refuse: whether it may be refused before it has all locks.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SQLSTATEs: those of
-- refuse_decision().
CREATE OR REPLACE FUNCTION event_store.await_decision(
    event_types text[],
    tags        text[],
    items       event_store.query_item[],
    marker      text,
    may_refuse  boolean
)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    types_alone constant text[] := (SELECT array_agg(t.name) FROM unnest(items) AS i
                                     CROSS JOIN LATERAL unnest(i.types) AS t (name) WHERE i.tags IS NULL);
    tags_alone  constant text[] := (SELECT array_agg(i.tags[1]) FROM unnest(items) AS i WHERE i.tags IS NOT NULL);
BEGIN
    IF types_alone IS NOT NULL THEN
        PERFORM event_store.await_types(event_types, types_alone);
    ELSIF items IS NOT NULL THEN
        PERFORM event_store.share_event_types(event_types);
    END IF;
    PERFORM event_store.await_tags(tags, tags_alone, CASE WHEN may_refuse THEN items END, marker);
END
$$;
