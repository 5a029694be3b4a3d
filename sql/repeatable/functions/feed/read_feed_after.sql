-- read_feed() with a cursor as text, which every driver can carry: that of the last row (cursor_of()), or NULL to begin at
-- the beginning. It is inlined like read_feed() itself.
--
-- SE002 it is no cursor; SE012 the store was restored into another cluster; SE018 the cursor is of a lost history.
CREATE OR REPLACE FUNCTION event_store.read_feed_after(
    cursor          text DEFAULT NULL,
    max_count       integer DEFAULT 1000,
    event_types     text[] DEFAULT NULL,
    aggregate_types text[] DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE sql STABLE ROWS 1000
AS $$
    SELECT f.*
      FROM event_store.place_of(read_feed_after.cursor) place
     CROSS JOIN LATERAL event_store.read_feed(coalesce(place.transaction_id, '0'), coalesce(place.global_position, 0),
                                              read_feed_after.max_count, read_feed_after.event_types,
                                              read_feed_after.aggregate_types) f
$$;
