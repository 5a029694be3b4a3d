-- The place that a cursor as text means, if it is one in this history of the feed, and the time of the event there if the
-- cursor is that of an event. NULL = no cursor: all is NULL. What takes a cursor as text calls it.
--
-- A history is what one server writes from a fork on. So what the store has of the cursor's history is a beginning of it,
-- up to the last place before the next fork. A cursor from further on is of its lost end, and that place is where to go back
-- to. If the store does not know the fork, all of that history is lost, and where it had begun as well.
--
-- A standby, and a transaction that goes by an old snapshot (REPEATABLE READ), may not know a fork yet: as long as no fork
-- is known that is later than the cursor. Then the answer is SE019. VOLATILE, so that no snapshot is older than need be.
--
-- SE002 it is no cursor; SE018 the cursor is of a lost history; SE019 its history is not known here yet.
CREATE OR REPLACE FUNCTION event_store.place_of(
    cursor text,
    OUT transaction_id xid8, OUT global_position bigint, OUT created_at timestamptz
)
LANGUAGE plpgsql VOLATILE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- Before the forks are looked at: recovery may end in between, with all of them.
    is_behind constant boolean := pg_is_in_recovery()
                                  OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
    place record;
    known event_store.forks;
    fork  event_store.forks;
    lost  bigint;
BEGIN
    IF place_of.cursor IS NULL THEN
        RETURN;
    END IF;
    place := event_store.read_cursor(place_of.cursor);
    SELECT f.* INTO known FROM event_store.forks f WHERE f.fork = place.fork;
    IF NOT FOUND THEN
        IF is_behind AND (SELECT max(f.first_transaction_id) FROM event_store.forks f) <= place.transaction_id THEN
            PERFORM event_store.refuse_history(
                'the cursor is of a history that this standby, or the snapshot of this transaction, does not have yet');
        END IF;
        RAISE EXCEPTION 'the cursor is of a history of the store that is lost'
            USING ERRCODE = 'SE018',
                  DETAIL = format('cursor (%s, %s); its history is not known here; events lost up to the cursor: unknown',
                                  place.transaction_id, place.global_position),
                  HINT = 'Go back to a cursor that you have kept from before that history, or begin at the beginning.';
    END IF;
    SELECT f.* INTO fork
      FROM event_store.forks f
     WHERE f.first_transaction_id > known.first_transaction_id
     ORDER BY f.first_transaction_id
     LIMIT 1;
    IF (place.transaction_id, place.global_position) > (fork.last_transaction_id, fork.last_position) THEN
        -- Each event has a position of its own. Further apart than this, the cursor is of another lost history.
        lost := place.global_position - fork.last_position;
        RAISE EXCEPTION 'the cursor is of a history of the store that is lost'
            USING ERRCODE = 'SE018',
                  DETAIL = format(
                      'cursor (%s, %s); fork %s (%s, recorded at %s) after (%s, %s); events lost up to the cursor: %s',
                      place.transaction_id, place.global_position, fork.fork, fork.reason, fork.recorded_at,
                      fork.last_transaction_id, fork.last_position,
                      CASE WHEN lost BETWEEN 1 AND 1048576 THEN 'about ' || lost ELSE 'unknown' END),
                  HINT = format('Undo what you did for events after (%s, %s). Then go on after (%s, %s), as text %s.',
                                fork.last_transaction_id, fork.last_position, fork.last_transaction_id, fork.last_position,
                                event_store.cursor_at(fork.last_transaction_id, fork.last_position, (
                                    SELECT e.created_at FROM event_store.events e
                                     WHERE e.transaction_id = fork.last_transaction_id
                                       AND e.global_position = fork.last_position)));
    END IF;
    place_of.transaction_id := place.transaction_id;
    place_of.global_position := place.global_position;
    place_of.created_at := place.created_at;
END
$$;
