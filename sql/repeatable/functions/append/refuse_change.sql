-- What the append-only triggers call. Privileges already keep the application out; this keeps out everybody else,
-- the superuser's slip included.
CREATE OR REPLACE FUNCTION event_store.refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: it is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'SE005',
              HINT = 'Append an event that corrects the earlier one.';
END
$$;
