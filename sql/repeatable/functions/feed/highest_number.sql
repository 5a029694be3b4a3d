-- The highest number of the feed that anybody may have seen. Besides the stored events, seals and checkpoints are
-- considered, because the events that they name may have been retired. 0 if there is none. Not for the application.
CREATE OR REPLACE FUNCTION event_store.highest_number() RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT coalesce(max(n.transaction_id)::text::bigint, 0)
              FROM (SELECT max(e.transaction_id) FROM event_store.events e
                    UNION ALL
                    SELECT max(s.last_transaction_id) FROM event_store.seals s
                    UNION ALL
                    SELECT max(p.transaction_id) FROM event_store.subscription_partitions p
                    UNION ALL
                    SELECT max(p.last_transaction_id) FROM event_store.projections p) AS n (transaction_id));
END
$$;
