-- Whether the numbers in this store do not fit the cluster that it is in. True after a logical dump was restored into
-- another cluster, until rebase_feed() has run. A stored number fits if this cluster handed it out, or if it is lower
-- than what the cluster hands out next. If neither holds, new events would get numbers below old ones, and readers
-- would pass them over.
--
-- The second condition finds what the first one cannot: a dump that was restored into a physical copy of its own
-- cluster, which has the same identifier. An event of the calling transaction is visible before the snapshot's end has
-- moved past its number: that of the transaction, or of a subtransaction. If it is the last one, all is well.
CREATE OR REPLACE FUNCTION event_store.is_rebase_due() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.cluster_identifier <> (SELECT c.system_identifier FROM pg_control_system() c)
        OR coalesce((SELECT CASE WHEN e.transaction_id::text::bigint
                                      >= s.feed_offset + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
                                 THEN (pg_xact_status((own.id + ((e.xmin::text::bigint - own.id) << 32 >> 32))::text::xid8)
                                       = 'in progress') IS NOT TRUE END
                       FROM event_store.events e
                      CROSS JOIN (SELECT pg_current_xact_id_if_assigned()::text::bigint AS id) own
                      ORDER BY e.transaction_id DESC, e.global_position DESC LIMIT 1), false)
      FROM event_store.settings s
$$;
