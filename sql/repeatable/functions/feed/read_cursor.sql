-- What a cursor as text holds: see cursor_at(), which makes it. NULL = no cursor. Whether it is a place in this history of
-- the feed, place_of() says. Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both.
--
-- SE002 it is no cursor.
CREATE OR REPLACE FUNCTION event_store.read_cursor(
    cursor text,
    OUT transaction_id xid8, OUT global_position bigint, OUT fork uuid, OUT created_at timestamptz
)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    parts constant text[] := regexp_match(
        cursor, '^a(\d{1,20})\.(-?\d{1,19})\.([0-9a-f]{32})\.(-?\d{1,18})?$');
    microseconds   bigint;
BEGIN
    IF (parts[1]::numeric < 18446744073709551616 AND abs(parts[2]::numeric) <= 9223372036854775807) IS NOT TRUE THEN
        RAISE EXCEPTION 'this is no cursor: %', quote_literal(left(cursor, 100))
            USING ERRCODE = 'SE002',
                  HINT = 'Pass the text as cursor_of() has returned it, or NULL to begin at the beginning.';
    END IF;
    transaction_id := parts[1]::xid8;
    global_position := parts[2]::bigint;
    fork := parts[3]::uuid;
    -- In two parts, because an interval is multiplied by a float of 53 bits.
    microseconds := parts[4];
    created_at := 'epoch'::timestamptz + (microseconds / 3600000000) * interval '1 hour'
                                       + (microseconds % 3600000000) * interval '1 microsecond';
END
$$;
