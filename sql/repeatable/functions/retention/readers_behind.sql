-- The projections and subscriptions that have not read the feed up to a cursor, by name.
CREATE OR REPLACE FUNCTION event_store.readers_behind(transaction_id xid8, global_position bigint)
RETURNS SETOF text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'projection ' || p.projection_name
      FROM event_store.projections p
     WHERE (p.last_transaction_id, p.last_global_position) < (readers_behind.transaction_id, readers_behind.global_position)
    UNION ALL
    SELECT 'rebuild of projection ' || r.projection_name
      FROM event_store.projection_rebuilds r
     WHERE (r.last_transaction_id, r.last_global_position) < (readers_behind.transaction_id, readers_behind.global_position)
    UNION ALL
    SELECT 'subscription ' || p.subscription_name
      FROM event_store.subscription_partitions p
     WHERE (p.transaction_id, p.global_position) < (readers_behind.transaction_id, readers_behind.global_position)
     GROUP BY p.subscription_name
$$;
