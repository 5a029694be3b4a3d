-- The triggers on DELETE of events: refuse all but what retire_events() has recorded in this very transaction. Before the
-- statement, so that a DELETE by mistake ends at once; and after it, for each row that it took.
--
-- SE005 append-only table changed.
CREATE OR REPLACE FUNCTION event_store.retired_only() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        IF EXISTS (SELECT FROM event_store.retirements r WHERE r.transaction_id = pg_current_xact_id_if_assigned()) THEN
            RETURN NULL;
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM deleted d
         WHERE NOT EXISTS (
                   SELECT FROM event_store.retirements r
                     JOIN event_store.seals f ON f.seal = r.from_seal
                     JOIN event_store.seals t ON t.seal = r.to_seal
                    WHERE r.transaction_id = pg_current_xact_id()
                      AND (d.transaction_id, d.global_position) > (f.after_transaction_id, f.after_position)
                      AND (d.transaction_id, d.global_position) <= (t.last_transaction_id, t.last_position)))
    THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'DELETE on event_store.events is refused: it is append-only'
        USING ERRCODE = 'SE005',
              HINT = 'Append an event that corrects the earlier one. Events that are old enough leave by '
                  || 'event_store.retire_events().';
END
$$;
