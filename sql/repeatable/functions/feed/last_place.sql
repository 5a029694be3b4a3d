-- The last place in the feed that anybody may hold a cursor to. Besides the stored events, seals and checkpoints are
-- considered, because the events that they name may have been retired. ('0', 0) if there is none. Not for the application.
CREATE OR REPLACE FUNCTION event_store.last_place(OUT transaction_id xid8, OUT global_position bigint)
LANGUAGE sql STABLE
AS $$
    SELECT p.transaction_id, p.global_position
      FROM ((SELECT e.transaction_id, e.global_position FROM event_store.events e
              ORDER BY e.transaction_id DESC, e.global_position DESC LIMIT 1)
            UNION ALL
            (SELECT s.last_transaction_id, s.last_position FROM event_store.seals s
              ORDER BY s.last_transaction_id DESC, s.last_position DESC LIMIT 1)
            UNION ALL
            SELECT c.transaction_id, c.global_position FROM event_store.subscription_partitions c
            UNION ALL
            SELECT c.last_transaction_id, c.last_global_position FROM event_store.projections c
             WHERE c.last_transaction_id IS NOT NULL
            UNION ALL
            SELECT '0'::xid8, 0::bigint) AS p
     ORDER BY p.transaction_id DESC, p.global_position DESC
     LIMIT 1
$$;
