-- Called by the trigger on a DELETE of events. It refuses the DELETE at once, unless retire_events() has recorded a
-- stretch in this same transaction. refuse_row_change() checks for each row whether it belongs to that stretch.
--
-- SE005 append-only table changed.
CREATE OR REPLACE FUNCTION event_store.retired_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM event_store.retirements r WHERE r.transaction_id = pg_current_xact_id_if_assigned()) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% on %.% is refused: it is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'SE005',
              HINT = 'Append an event that corrects the earlier one. What is old enough leaves by event_store.retire_events().';
END
$$;
