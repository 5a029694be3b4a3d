-- What can be known about an array of events before its turn comes: whether they are well formed, and which types they
-- have. It takes one pass over the events; malformed_part() finds the reason.
CREATE OR REPLACE FUNCTION event_store.look_at_events(
    events jsonb,
    OUT are_well_formed boolean,
    OUT event_types text[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    SELECT bool_and(f.are_well_formed), array_agg(f.event_type)
      INTO are_well_formed, event_types
      FROM (SELECT item ->> 'event_type' AS event_type,
                   bool_and((jsonb_typeof(item -> 'event_type') = 'string'
                             AND length(item ->> 'event_type') BETWEEN 1 AND 255
                             AND jsonb_typeof(item -> 'event_data') = 'object'
                             AND coalesce(jsonb_typeof(item -> 'metadata') IN ('object', 'null'), true)
                             -- A text is not a number, though the cast would accept it.
                             AND coalesce(jsonb_typeof(item -> 'schema_version') IN ('number', 'null'), true)
                             AND coalesce((item ->> 'schema_version')::integer >= 1, true)
                             -- Always true. It is there for the casts, which fail on what is not a UUID.
                             AND num_nulls((item ->> 'event_id')::uuid, (item ->> 'causation_id')::uuid,
                                           (item ->> 'correlation_id')::uuid) <= 3
                             AND item - '{event_id, event_type, schema_version, event_data, metadata, causation_id,
                                          correlation_id}'::text[] = '{}') IS TRUE) AS are_well_formed
              FROM jsonb_array_elements(look_at_events.events) AS item
             GROUP BY 1) f;
EXCEPTION WHEN data_exception THEN
    are_well_formed := false;
END
$$;
