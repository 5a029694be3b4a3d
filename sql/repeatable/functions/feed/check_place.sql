-- Refuses a cursor that is not a place in this history of the feed: whoever has it has read events that are lost, and would
-- go on with the impression that nothing has happened. true = it is a place. Readers of the feed call it.
--
-- No event was ever stored between the last place before a fork and the first number after it, and nobody hands out a cursor
-- from there. A consumer that had read everything before the fork is exactly at the last place, and goes on.
--
-- Since the histories follow each other, of all forks that begin above the cursor the nearest one decides: the others have
-- no lower last place. It has neither SET nor SECURITY DEFINER, because it is called for each page (it takes 10 µs); so the
-- caller needs SELECT on the forks.
--
-- SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.check_place(transaction_id xid8, global_position bigint) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    fork event_store.forks;
    lost bigint;
BEGIN
    IF (SELECT (check_place.transaction_id, check_place.global_position) > (f.last_transaction_id, f.last_position)
          FROM event_store.forks f
         WHERE f.first_transaction_id > check_place.transaction_id
         ORDER BY f.first_transaction_id
         LIMIT 1)
    THEN
        SELECT f.* INTO STRICT fork
          FROM event_store.forks f
         WHERE f.first_transaction_id > check_place.transaction_id
         ORDER BY f.first_transaction_id
         LIMIT 1;
        -- Each event has a position of its own. Further apart than this, the cursor is of another lost history.
        lost := check_place.global_position - fork.last_position;
        RAISE EXCEPTION 'the cursor is of a history of the store that is lost'
            USING ERRCODE = 'SE018',
                  DETAIL = pg_catalog.format(
                      'cursor (%s, %s); fork %s (%s, recorded at %s) after (%s, %s); events lost up to the cursor: %s',
                      check_place.transaction_id, check_place.global_position, fork.fork, fork.reason, fork.recorded_at,
                      fork.last_transaction_id, fork.last_position,
                      CASE WHEN lost BETWEEN 1 AND 1048576 THEN 'about ' || lost ELSE 'unknown' END),
                  HINT = pg_catalog.format('Undo what you did for events after (%s, %s). Then go on after (%s, %s).',
                                           fork.last_transaction_id, fork.last_position,
                                           fork.last_transaction_id, fork.last_position);
    END IF;
    RETURN true;
END
$$;
