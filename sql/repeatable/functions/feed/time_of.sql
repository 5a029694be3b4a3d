-- The time of the event that a cursor as text is of, and its position, for reads by time. NULL = no cursor: both are NULL.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SE002 it is no cursor, or
-- not that of an event; SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.time_of(cursor text, OUT created_at timestamptz, OUT global_position bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
BEGIN
    IF time_of.cursor IS NULL THEN
        RETURN;
    END IF;
    SELECT p.created_at, p.global_position INTO time_of.created_at, time_of.global_position
      FROM event_store.place_of(time_of.cursor) p;
    IF time_of.created_at IS NULL THEN
        RAISE EXCEPTION 'the cursor has no time'
            USING ERRCODE = 'SE002',
                  HINT = 'To go on by time, pass the cursor of an event: cursor_of() the last row.';
    END IF;
END
$$;
