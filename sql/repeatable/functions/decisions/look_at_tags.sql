-- Which tags a list of events has, each once, and whether all of them are well formed; malformed_part() finds the reason. An
-- append asks only if look_at_events() has found something unusual, so that events without tags do not pay for it.
CREATE OR REPLACE FUNCTION event_store.look_at_tags(
    events jsonb,
    OUT are_well_formed boolean,
    OUT tags text[]
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    are_well_formed := jsonb_typeof(events) = 'array'
                       AND (SELECT bool_and(jsonb_typeof(item) = 'object' AND event_store.are_texts(item -> 'tags'))
                              FROM jsonb_array_elements(CASE jsonb_typeof(events) WHEN 'array' THEN events END) AS item);
    IF are_well_formed THEN
        tags := ARRAY(SELECT DISTINCT t.tag
                        FROM jsonb_array_elements(events) AS item
                       CROSS JOIN LATERAL jsonb_array_elements_text(
                                              coalesce(nullif(item -> 'tags', 'null'), '[]')) AS t (tag));
    END IF;
END
$$;
