-- A number of a payload: a JSON number, or a text that is one, because a text keeps all digits where programs read JSON
-- numbers as binary fractions. NULL = anything else. Which texts are numbers, field() says.
CREATE OR REPLACE FUNCTION projections.number(value jsonb) RETURNS numeric
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF jsonb_typeof(value) = 'number' THEN
        RETURN value;
    ELSIF jsonb_typeof(value) = 'string' THEN
        BEGIN
            RETURN projections.field(jsonb_build_object('value', value), 'value', NULL::numeric);
        EXCEPTION WHEN SQLSTATE 'SE007' THEN
            RETURN NULL;
        END;
    END IF;
    RETURN NULL;
END
$$;
