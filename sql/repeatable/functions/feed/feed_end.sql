-- The cursor of the last event that is safe to read; ('0', 0) if there is none. Readers that want only new events start
-- here. It is always an event's place and never the horizon itself, which may go back after a crash.
--
-- SE012 the store was restored into another cluster.
CREATE OR REPLACE FUNCTION event_store.feed_end(OUT transaction_id xid8, OUT global_position bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    horizon CONSTANT xid8 := event_store.next_horizon();
BEGIN
    SELECT e.transaction_id, e.global_position
      INTO feed_end.transaction_id, feed_end.global_position
      FROM event_store.events e
     WHERE e.transaction_id < horizon
     ORDER BY e.transaction_id DESC, e.global_position DESC
     LIMIT 1;
    IF NOT FOUND THEN
        feed_end.transaction_id := '0';
        feed_end.global_position := 0;
    END IF;
END
$$;
