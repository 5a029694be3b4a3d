-- Whether a field of a revealed payload was personal data that has been erased, by itself or with the whole payload. A
-- nested value is named by its path: keys/0. It is one SQL expression: the planner inlines it.
CREATE OR REPLACE FUNCTION projections.is_erased(data jsonb, name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(data -> '$erased' ?| ARRAY['', '/' || name], false)
$$;
