-- The JSON schemas of the events that the read models take, out of payload_fields(): for those who have to know before an
-- append what it would refuse, like the types of an application (make types). They say the same as check_payload(), except
-- where a reader of types is better served: an identifier has its usual form, a text is no number, and a payload with none
-- of the fields is none of these. Those of the portfolio are here as well, whose projection ignores what it cannot take.
--
-- Each value may be an envelope of event_store.protect(), and so may the whole payload.
CREATE OR REPLACE FUNCTION projections.event_schemas()
RETURNS TABLE (event_type text, schema_version integer, json_schema jsonb, description text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH shapes (type, shape) AS (
        VALUES ('uuid', '{"type": "string", "format": "uuid"}'::jsonb),
               ('timestamptz', '{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]"}'),
               ('date', '{"type": "string", "format": "date"}'),
               ('numeric', '{"type": ["number", "string"], "pattern": "^-?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?$"}'),
               ('text', '{"type": "string"}'),
               ('preferences', '{"type": "object", "additionalProperties": true}'),
               ('keys', '{"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Protected"}]}}')
    ),
    fields AS (
        SELECT f.event_type, f.name, f.need, true AS is_protectable,
               s.shape || jsonb_strip_nulls(jsonb_build_object(
                   'maxLength', CASE f.type WHEN 'text' THEN f.most END,
                   'propertyNames', CASE f.type WHEN 'preferences' THEN jsonb_build_object('maxLength', f.most) END,
                   'enum', to_jsonb(f.allowed))) AS shape
          FROM projections.payload_fields() f
          JOIN shapes s USING (type)
        UNION ALL
        SELECT p.event_type, f.name, 'no', false, s.shape || f.more
          FROM (VALUES ('PositionOpened'), ('PositionUpdated'), ('PositionClosed')) AS p (event_type)
         CROSS JOIN (VALUES ('symbol', 'text', '{"maxLength": 255}'::jsonb), ('quantity', 'numeric', '{}'),
                            ('average_price', 'numeric', '{}'), ('current_value', 'numeric', '{}')) AS f (name, type, more)
          JOIN shapes s USING (type)
        UNION ALL
        SELECT e.event_type, NULL, NULL, false, NULL
          FROM (VALUES ('UserErased'), ('AccountClosed'), ('JournalEntryDeleted')) AS e (event_type)
    ),
    payloads AS (
        SELECT f.event_type, bool_or(f.is_protectable) AS is_protectable,
               jsonb_build_object(
                   'type', 'object',
                   'properties', coalesce(jsonb_object_agg(f.name, jsonb_build_object('anyOf',
                       jsonb_build_array(f.shape)
                       || CASE f.need WHEN 'no' THEN '[{"type": "null"}]'::jsonb ELSE '[]' END
                       || CASE WHEN f.is_protectable THEN '[{"$ref": "#/$defs/Protected"}]'::jsonb ELSE '[]' END))
                       FILTER (WHERE f.name IS NOT NULL), '{}'),
                   'required', coalesce(jsonb_agg(f.name ORDER BY f.name) FILTER (WHERE f.need = 'always'), '[]')) AS schema
          FROM fields f
         GROUP BY f.event_type
    )
    SELECT p.event_type, 1,
           CASE WHEN p.is_protectable THEN
               jsonb_build_object(
                   'anyOf', jsonb_build_array(p.schema, '{"$ref": "#/$defs/Protected"}'::jsonb),
                   '$defs', '{"Protected": {
                       "type": "object",
                       "description": "What event_store.protect() has returned: only the key of the subject opens it.",
                       "properties": {"$protected": {"type": "object", "additionalProperties": true}},
                       "required": ["$protected"],
                       "additionalProperties": false}}'::jsonb)
           ELSE p.schema END,
           'Taken by a read model of the store.'
      FROM payloads p
     ORDER BY p.event_type COLLATE "C"
$$;
