-- Called by the append-only trigger for each row. A statement trigger fires only for the table that the statement
-- names. If somebody made the events a child or a partition of another table, an UPDATE or DELETE of that table would
-- not fire the statement triggers of the events.
--
-- SE005 append-only table changed.
CREATE OR REPLACE FUNCTION event_store.refuse_row_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Allowed: retire_events() deletes the stretch of the feed that it has recorded in this same transaction.
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM event_store.retirements r
         WHERE r.transaction_id = pg_current_xact_id_if_assigned()
           AND (old.transaction_id, old.global_position) > (r.after_transaction_id, r.after_position)
           AND (old.transaction_id, old.global_position) <= (r.last_transaction_id, r.last_position))
    THEN
        RETURN old;
    END IF;
    RAISE EXCEPTION '% on %.% is refused: it is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'SE005',
              HINT = 'Append an event that corrects the earlier one.';
END
$$;
