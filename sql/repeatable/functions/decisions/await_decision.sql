-- Waits for the locks of a decision, or of events with tags, until the end of the transaction: of types, then of tags. Who
-- decides on types shares those of its own events here as well.
--
-- items: of the query; NULL = no decision. may_refuse: whether it may be refused before it has all locks.
--
-- A decision waits until its deadline. Events with tags wait as long as it takes: they hold no lock alone but that of
-- their aggregate, as all appends do.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SQLSTATEs: those of
-- refuse_decision(); 55P03 a decision has waited too long.
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
    deadline    constant timestamptz := CASE WHEN items IS NOT NULL THEN event_store.decision_deadline() END;
    tags_alone  constant text[] := (SELECT array_agg(i.tags[1]) FROM unnest(items) AS i WHERE i.tags IS NOT NULL);
BEGIN
    IF types_alone IS NOT NULL THEN
        PERFORM event_store.await_types(event_types, types_alone, deadline);
    ELSIF items IS NOT NULL THEN
        PERFORM event_store.share_event_types(event_types);
    END IF;
    PERFORM event_store.await_tags(tags, tags_alone, CASE WHEN may_refuse THEN items END, marker, deadline);
END
$$;
