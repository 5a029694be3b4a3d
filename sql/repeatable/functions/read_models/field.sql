-- One field of a payload as the type of the last argument (whose value does not matter), or NULL if it is absent or
-- null. Times and dates are ISO 8601. Numbers are JSON numbers, or texts if all digits must be kept. Values like 'now'
-- or 'NaN', which PostgreSQL would read as well, are refused. An error names the field but not the value, which may be
-- personal.
--
-- SE007 the field is not a value of that type.
CREATE OR REPLACE FUNCTION projections.field(data jsonb, name text, type anyelement) RETURNS anyelement
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    value   text := data ->> name;
    pattern text;
BEGIN
    pattern := CASE pg_typeof(type)
        WHEN 'timestamptz'::regtype THEN '^\d{4}-\d{2}-\d{2}[T ]\d'
        WHEN 'date'::regtype THEN '^\d{4}-\d{2}-\d{2}$'
        WHEN 'numeric'::regtype THEN '^-?\d*\.?\d+([eE][-+]?\d+)?$'
        ELSE '' END;
    IF value !~ pattern OR jsonb_typeof(data -> name) NOT IN ('string', 'number', 'null') THEN
        RAISE data_exception;
    END IF;
    type := value;
    RETURN type;
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'the field "%" of the payload is not a valid %', name, pg_typeof(type)
        USING ERRCODE = 'SE007', DETAIL = format('path: $.%s', name),
              HINT = 'The payload can never be changed: skip_event() passes over it.';
END
$$;
