-- What applications need types for, as one line of JSON: the registered event types and those of the read models, the
-- rows that the application may read, and the functions that it may call. Reads only.
SET search_path = pg_catalog;
WITH readable AS (
    SELECT c.oid, c.reltype, n.nspname AS schema, c.relname AS name
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('event_store', 'projections')
       AND (c.relkind = 'c' OR c.relkind IN ('r', 'v', 'm') AND has_table_privilege('stock_analysis_user', c.oid, 'SELECT'))
),
-- The name of a type, whether it is an array of it, and which of the rows above it is.
types AS (
    SELECT t.oid, coalesce(e.typname, t.typname) AS name, e.oid IS NOT NULL AS is_array, r.schema AS row_schema,
           r.name AS row_name
      FROM pg_type t
      LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
      LEFT JOIN readable r ON r.reltype = coalesce(e.oid, t.oid)
)
SELECT json_build_object(
    'event_types', (SELECT coalesce(json_agg(to_jsonb(t) ORDER BY t.event_type, t.schema_version), '[]')
                      FROM (SELECT event_type, schema_version, json_schema, description FROM event_store.event_types
                            UNION ALL
                            -- Those of the read models, where nobody has registered them otherwise.
                            SELECT s.* FROM projections.event_schemas() s
                             WHERE NOT EXISTS (SELECT FROM event_store.event_types e
                                                WHERE e.event_type = s.event_type AND e.schema_version = s.schema_version)) t),
    'rows', (SELECT json_agg(json_build_object('schema', r.schema, 'name', r.name, 'columns', (
                        SELECT json_agg(json_build_object('name', a.attname, 'type', to_jsonb(t),
                                                          'nullable', NOT a.attnotnull)
                                        ORDER BY a.attnum)
                          FROM pg_attribute a JOIN types t ON t.oid = a.atttypid
                         WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped))
                    ORDER BY r.schema, r.name)
               FROM readable r),
    'functions', (SELECT json_agg(json_build_object(
                             'schema', n.nspname, 'name', p.proname, 'is_set', p.proretset, 'returns', to_jsonb(result),
                             'required', p.pronargs - p.pronargdefaults, 'arguments', (
                        SELECT coalesce(json_agg(json_build_object('name', a.name, 'mode', a.mode, 'type', to_jsonb(t))
                                                 ORDER BY a.place), '[]')
                          FROM (SELECT coalesce(p.proargnames[u.place], 'argument' || u.place) AS name, u.place, u.type,
                                       coalesce(p.proargmodes[u.place], 'i') AS mode
                                  FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
                                       WITH ORDINALITY AS u (type, place)) a
                          JOIN types t ON t.oid = a.type))
                         ORDER BY n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
                    FROM pg_proc p
                    JOIN pg_namespace n ON n.oid = p.pronamespace
                    JOIN types result ON result.oid = p.prorettype
                   WHERE n.nspname IN ('event_store', 'projections')
                     AND has_function_privilege('stock_analysis_user', p.oid, 'EXECUTE')));
