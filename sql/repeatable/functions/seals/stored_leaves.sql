-- The hashes of the events that are now in a seal's stretch of the feed, in the feed's order.
CREATE OR REPLACE FUNCTION event_store.stored_leaves(seal event_store.seals) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(string_agg(event_store.leaf_hash(event_store.event_line(e)), ''
                               ORDER BY e.transaction_id, e.global_position), '')
      FROM event_store.events e
     WHERE (e.transaction_id, e.global_position) > (seal.after_transaction_id, seal.after_position)
       AND (e.transaction_id, e.global_position) <= (seal.last_transaction_id, seal.last_position)
$$;
