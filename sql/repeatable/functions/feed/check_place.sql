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
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF (SELECT (check_place.transaction_id, check_place.global_position) > (f.last_transaction_id, f.last_position)
          FROM event_store.forks f
         WHERE f.first_transaction_id > check_place.transaction_id
         ORDER BY f.first_transaction_id
         LIMIT 1)
    THEN
        -- Refused there, with the place to go back to.
        PERFORM event_store.place_of(event_store.cursor_at(check_place.transaction_id, check_place.global_position));
        -- Only if the oldest forks are missing, which takes the owner or a superuser.
        RAISE EXCEPTION 'the cursor is of a history of the store that is lost'
            USING ERRCODE = 'SE018',
                  DETAIL = format('cursor (%s, %s); its history is not known here; events lost up to the cursor: unknown',
                                  check_place.transaction_id, check_place.global_position),
                  HINT = 'Go back to a cursor that you have kept from before that history, or begin at the beginning.';
    END IF;
    RETURN true;
END
$$;
