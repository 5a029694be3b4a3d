-- Whether an array of events can be appended as it is: well formed; and plain, which means that no event's type wants
-- its payload validated or is refused for being unknown. One pass; malformed_part() and check_event_types() find the
-- reason.
CREATE OR REPLACE FUNCTION event_store.look_at_events(
    events jsonb,
    OUT are_well_formed boolean,
    OUT are_plain boolean
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    SELECT bool_and(f.are_well_formed), bool_and(coalesce(t.validation, s.unknown_event_types) IN ('off', 'allow'))
      INTO are_well_formed, are_plain
      FROM (SELECT item ->> 'event_type' AS event_type,
                   coalesce((item ->> 'schema_version')::integer, 1) AS schema_version,
                   bool_and((jsonb_typeof(item -> 'event_type') = 'string'
                             AND length(item ->> 'event_type') BETWEEN 1 AND 255
                             AND jsonb_typeof(item -> 'event_data') = 'object'
                             AND coalesce(jsonb_typeof(item -> 'metadata') IN ('object', 'null'), true)
                             AND coalesce((item ->> 'schema_version')::integer >= 1, true)
                             -- Counts nothing that matters: it is there for the casts.
                             AND num_nulls((item ->> 'event_id')::uuid, (item ->> 'causation_id')::uuid,
                                           (item ->> 'correlation_id')::uuid) <= 3
                             AND item - '{event_id, event_type, schema_version, event_data, metadata, causation_id,
                                          correlation_id}'::text[] = '{}') IS TRUE) AS are_well_formed
              FROM jsonb_array_elements(look_at_events.events) AS item
             GROUP BY 1, 2) f
     CROSS JOIN event_store.settings s
      LEFT JOIN event_store.event_types t
        ON t.event_type = f.event_type::varchar AND t.schema_version = f.schema_version;
EXCEPTION WHEN data_exception THEN
    are_well_formed := false;
END
$$;
