-- Like field(), for a field that is required. It is NULL nevertheless if it was personal data that has been erased.
--
-- SE007 the field is missing, or not a value of that type.
CREATE OR REPLACE FUNCTION projections.required_field(data jsonb, name text, type anyelement) RETURNS anyelement
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    type := projections.field(data, name, type);
    IF type IS NULL AND NOT projections.is_erased(data, name) THEN
        RAISE EXCEPTION 'the field "%" of the payload is missing', name
            USING ERRCODE = 'SE007', DETAIL = format('path: $.%s', name),
                  HINT = 'The payload can never be changed: skip_event() passes over it.';
    END IF;
    RETURN type;
END
$$;
