-- Like field(), for what has to be there. NULL all the same where it was personal data that has been erased.
--
-- SE007 the field is missing, or no such value.
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
