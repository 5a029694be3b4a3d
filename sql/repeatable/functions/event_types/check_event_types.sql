-- Refuses events of an unknown type, if the settings say so, and payloads that break their JSON schema, if the
-- validation of the type is 'enforce'. If it is 'warn', raises a warning instead. A type is known if it is registered
-- with this name and schema version.
--
-- events: as for append_events(), well formed. prefix: as for append_lists(). The caller shares the locks of their
-- types. Not for the application. SE006 unknown event type; SE007 a payload breaks its JSON schema; SE017 a payload
-- could not be checked.
CREATE OR REPLACE FUNCTION event_store.check_event_types(events jsonb, prefix text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    unknown record;
    broken  record;
    problem text;
    remedy  text;
    code    text;
BEGIN
    SELECT item.event ->> 'event_type' AS event_type, v.schema_version, item.place - 1 AS place,
           (SELECT string_agg(k.schema_version::text, ', ' ORDER BY k.schema_version)
              FROM event_store.event_types k
             WHERE k.event_type = (item.event ->> 'event_type')::varchar) AS known
      INTO unknown
      FROM jsonb_array_elements(check_event_types.events) WITH ORDINALITY AS item (event, place)
     CROSS JOIN LATERAL (SELECT coalesce((item.event ->> 'schema_version')::integer, 1) AS schema_version) v
      JOIN event_store.settings s ON s.unknown_event_types = 'refuse'
     WHERE NOT EXISTS (SELECT FROM event_store.event_types t
                        WHERE t.event_type = (item.event ->> 'event_type')::varchar
                          AND t.schema_version = v.schema_version)
     ORDER BY item.place
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'unknown event type: % with schema version %', unknown.event_type, unknown.schema_version
            USING ERRCODE = 'SE006',
                  DETAIL = concat(check_event_types.prefix || format('events[%s]; ', unknown.place),
                                  'known schema versions: ', coalesce(unknown.known, 'none')),
                  HINT = 'Register it with event_store.register_event_type(), or correct its name or schema_version.';
    END IF;

    FOR broken IN
        SELECT t.event_type, t.schema_version, t.validation,
               max(concat(check_event_types.prefix || 'events[' || p.places[f.place] || ']: ', f.problem))
                   FILTER (WHERE f.path IS NULL) AS undecided,
               string_agg(concat(check_event_types.prefix || format('events[%s]: ', p.places[f.place]), f.path, ': ',
                                 f.problem), E'\n'
                          ORDER BY p.places[f.place], f.path COLLATE "C", f.problem COLLATE "C") AS problems
          FROM (SELECT item.event ->> 'event_type' AS event_type,
                       coalesce((item.event ->> 'schema_version')::integer, 1) AS schema_version,
                       array_agg(item.event -> 'event_data' ORDER BY item.place) AS payloads,
                       array_agg(item.place - 1 ORDER BY item.place) AS places
                  FROM jsonb_array_elements(check_event_types.events) WITH ORDINALITY AS item (event, place)
                 GROUP BY 1, 2) p
          JOIN event_store.event_types t
            ON t.event_type = p.event_type::varchar AND t.schema_version = p.schema_version
           AND t.validation IN ('warn', 'enforce')
         CROSS JOIN LATERAL event_store.json_schema_problems(t.json_schema, p.payloads) f
         GROUP BY t.event_type, t.schema_version, t.validation
         ORDER BY t.validation DESC, min(p.places[f.place])
    LOOP
        IF broken.undecided IS NULL THEN
            code := 'SE007';
            problem := format('the payload of %s breaks its JSON schema', broken.event_type);
            remedy := format('Correct event_data, or append with the schema version that it has, not %s.',
                             broken.schema_version);
        ELSE
            code := 'SE017';
            problem := format('payloads of %s could not be checked against their JSON schema', broken.event_type);
            remedy := 'Append fewer or smaller events in a call, or register another schema version with simpler patterns.';
        END IF;
        IF broken.validation = 'warn' THEN
            RAISE WARNING '%', problem
                USING ERRCODE = code, DETAIL = coalesce(broken.undecided, broken.problems), HINT = remedy;
        ELSE
            RAISE EXCEPTION '%', problem
                USING ERRCODE = code, DETAIL = coalesce(broken.undecided, broken.problems), HINT = remedy;
        END IF;
    END LOOP;
END
$$;
