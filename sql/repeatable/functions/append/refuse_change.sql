-- Called by the append-only triggers. Privileges already keep the application out. This stops everybody else, even a
-- superuser who makes a slip.
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
