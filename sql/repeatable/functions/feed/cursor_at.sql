-- The cursor of a place in the feed as text: of feed_end(), of a checkpoint, or of two numbers that somebody has kept.
-- created_at: the time of the event there; without it, the cursor is not for reads by time. NULL if there is no place.
--
-- A cursor begins with the letter of its format. It holds the place, and the fork that the history of this place began
-- with: so it is refused wherever that history is not known or is lost, also if another history has handed out the same
-- numbers. None of it is part of the contract: do not take it apart, and do not compare cursors. A later version of the
-- store may make another format; it goes on reading this one.
--
-- VOLATILE, because a row may be newer than the statement that reads it (see read_feed()), and so may its fork.
--
-- Nothing is checked here. A cursor from no place in the feed is refused where it is used. PL/pgSQL, because SQL would not
-- be inlined with the look at the forks, and takes twice as long (17 µs for each row instead of 8).
CREATE OR REPLACE FUNCTION event_store.cursor_at(
    transaction_id  xid8,
    global_position bigint,
    created_at      timestamptz DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL SAFE
AS $$
DECLARE
    -- With its schema: the session keeps the type that it has found where a caller's search_path led, and check_place()
    -- calls this in the owner's name. SECURITY DEFINER would take twice as long.
    fork pg_catalog.uuid;
BEGIN
    SELECT f.fork INTO fork
      FROM event_store.forks f
     WHERE f.first_transaction_id OPERATOR(pg_catalog.<=) cursor_at.transaction_id
     ORDER BY f.first_transaction_id DESC
     LIMIT 1;
    IF NOT FOUND THEN
        -- What is before the oldest fork is of its history.
        SELECT f.fork INTO fork FROM event_store.forks f ORDER BY f.first_transaction_id LIMIT 1;
    END IF;
    IF cursor_at.transaction_id IS NULL OR cursor_at.global_position IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN pg_catalog.format(
        'a%s.%s.%s.%s', cursor_at.transaction_id, cursor_at.global_position,
        pg_catalog.encode(pg_catalog.uuid_send(fork), 'hex'),
        CASE WHEN cursor_at.created_at OPERATOR(pg_catalog.<) '9999-12-31' AND pg_catalog.isfinite(cursor_at.created_at)
             THEN (extract(epoch FROM cursor_at.created_at) OPERATOR(pg_catalog.*) 1000000)::bigint END);
END
$$;
