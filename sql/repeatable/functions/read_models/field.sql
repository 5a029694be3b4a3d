-- One field of a payload as the type of the last argument (whose value does not matter), or NULL if it is absent or
-- null. Times and dates are ISO 8601. Numbers are JSON numbers, or texts if all digits must be kept. Values like 'now'
-- or 'NaN', which PostgreSQL would read as well, are refused. An error names the field but not the value, which may be
-- personal.
--
-- A time is readable in every session: in no time zone it is before the year 1 or after 9999, where the dates of most
-- languages end.
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
        WHEN 'timestamptz'::regtype THEN '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]'
        WHEN 'date'::regtype THEN '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
        WHEN 'numeric'::regtype THEN '^-?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?$'
        ELSE '' END;
    IF value !~ pattern OR jsonb_typeof(data -> name) NOT IN ('string', 'number', 'null') THEN
        RAISE data_exception;
    END IF;
    type := value;
    IF pg_typeof(type) = 'timestamptz'::regtype THEN
        IF NOT (type::timestamptz >= '0001-01-02 00:00+00' AND type::timestamptz < '9999-12-31 00:00+00') THEN
            RAISE data_exception;
        END IF;
    END IF;
    RETURN type;
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'the field "%" of the payload is not %', name,
        CASE pg_typeof(type)
            WHEN 'timestamptz'::regtype THEN 'a time like "2025-03-14T15:09:26Z", from 0001-01-02 to 9999-12-30'
            WHEN 'date'::regtype THEN 'a date like "2025-03-14"'
            WHEN 'numeric'::regtype THEN 'a number, nor a text like "10.5"'
            WHEN 'uuid'::regtype THEN 'a UUID'
            ELSE 'a text' END
        USING ERRCODE = 'SE007', DETAIL = format('path: $.%s', name);
END
$$;
