-- Whether the read model of an aggregate takes the payloads of all these events. It looks at all fields of all events in
-- one statement, because a loop with an error handler for each field costs an append several times what it costs
-- otherwise. false: check_read_models() finds out which field is wrong, or takes the payloads after all, in the few cases
-- that are not decided here. It is never true for a payload that check_payload() refuses.
--
-- events: as for append_events(), well formed.
CREATE OR REPLACE FUNCTION projections.takes_payloads(aggregate_type text, events jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN NOT EXISTS (
        SELECT
          FROM (SELECT item.place, item.event ->> 'event_type' AS event_type,
                       item.event -> 'event_data' ? '$erased' AS poses_as_erased,
                       CASE WHEN item.event -> 'event_data' @? '$.**."$protected"'
                            THEN event_store.reveal(item.event -> 'event_data')
                            ELSE item.event -> 'event_data' END AS data
                  FROM jsonb_array_elements(takes_payloads.events) WITH ORDINALITY AS item (event, place)
                -- So that an envelope is opened once, and not for each field.
                OFFSET 0) e
          JOIN projections.payload_fields() f
            ON f.aggregate_type = takes_payloads.aggregate_type AND f.event_type = e.event_type
         CROSS JOIN LATERAL (SELECT nullif(e.data -> f.name, 'null') AS value, e.data ->> f.name AS text) v
         GROUP BY e.place
        HAVING bool_or(e.poses_as_erased)
            OR bool_or(e.data ? f.name) AND NOT bool_and(CASE
                WHEN v.value IS NULL
                    THEN f.need = 'no' OR (f.need = 'if named' AND NOT e.data ? f.name)
                      OR projections.is_erased(e.data, f.name)
                WHEN f.type = 'preferences'
                    THEN jsonb_typeof(v.value) = 'object'
                     AND NOT EXISTS (SELECT FROM jsonb_object_keys(v.value) k (key) WHERE length(k.key) > f.most)
                WHEN f.type = 'keys'
                    THEN jsonb_typeof(v.value) = 'array'
                     AND NOT EXISTS (SELECT FROM jsonb_array_elements(v.value) k (item)
                                      WHERE jsonb_typeof(k.item) <> 'string')
                WHEN jsonb_typeof(v.value) NOT IN ('string', 'number') THEN false
                -- The casts fail on what is not such a value. The patterns are those of field().
                WHEN f.type = 'text'
                    THEN coalesce(length(v.text) <= f.most, true) AND coalesce(v.text = ANY (f.allowed), true)
                WHEN f.type = 'uuid' THEN v.text::uuid IS NOT NULL
                WHEN f.type = 'date' THEN v.text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND v.text::date IS NOT NULL
                WHEN f.type = 'numeric'
                    THEN v.text ~ '^-?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?$' AND v.text::numeric IS NOT NULL
                WHEN f.type = 'timestamptz'
                    THEN v.text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]'
                     AND v.text::timestamptz >= '0001-01-02 00:00+00' AND v.text::timestamptz < '9999-12-31 00:00+00'
                ELSE false END IS TRUE));
EXCEPTION WHEN data_exception OR program_limit_exceeded OR SQLSTATE 'SE002' THEN
    RETURN false;
END
$$;
