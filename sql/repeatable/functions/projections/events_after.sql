-- How many events come after a place in the feed. Exact up to 10,000; beyond that estimated from the positions, which
-- have a gap for each append that was rolled back. Not for the application.
CREATE OR REPLACE FUNCTION event_store.events_after(transaction_id xid8, global_position bigint) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN c.counted <= 10000 THEN c.counted
                ELSE greatest(c.counted,
                              (SELECT event_store.positions_between(events_after.global_position, e.global_position)
                                 FROM event_store.events e
                                ORDER BY e.transaction_id DESC, e.global_position DESC
                                LIMIT 1))
           END
      FROM (SELECT count(*) AS counted
              FROM (SELECT FROM event_store.events e
                     WHERE (e.transaction_id, e.global_position)
                           > (events_after.transaction_id, events_after.global_position)
                     LIMIT 10001) l) c
$$;
