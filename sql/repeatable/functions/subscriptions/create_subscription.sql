-- Creates a subscription: a name under which consumers share the events of some types (NULL = all) among themselves.
-- true = created, false = it was there before, with the same definition.
--
-- partitions: how many consumers can work at the same time. An aggregate belongs to one partition for ever, so the
-- number cannot change. from_beginning: false = only what comes after feed_end(). It only says where a new subscription
-- begins, so it is not part of the definition.
--
-- SE002 malformed argument; SE011 the name is taken by another definition; SE012 the store was restored into another
-- cluster.
CREATE OR REPLACE FUNCTION event_store.create_subscription(
    subscription_name text,
    partitions        integer DEFAULT 1,
    event_types       text[] DEFAULT NULL,
    aggregate_types   text[] DEFAULT NULL,
    from_beginning    boolean DEFAULT true
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    wanted  event_store.subscriptions;
    present event_store.subscriptions;
BEGIN
    IF (create_subscription.subscription_name <> '' AND length(create_subscription.subscription_name) <= 255
        AND create_subscription.partitions BETWEEN 1 AND 256
        AND create_subscription.event_types IS DISTINCT FROM '{}'
        AND array_position(create_subscription.event_types, NULL) IS NULL
        AND create_subscription.aggregate_types IS DISTINCT FROM '{}'
        AND array_position(create_subscription.aggregate_types, NULL) IS NULL
        AND create_subscription.from_beginning IS NOT NULL) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the subscription is malformed'
            USING ERRCODE = 'SE002',
                  HINT = 'subscription_name is a text of 1 to 255 characters, partitions 1 to 256, event_types and '
                      || 'aggregate_types are arrays of at least one name or NULL for all, from_beginning is true or false.';
    END IF;
    wanted.subscription_name := create_subscription.subscription_name;
    wanted.partitions := create_subscription.partitions;
    -- The same names in another order are the same definition.
    SELECT array_agg(DISTINCT n.name ORDER BY n.name) INTO wanted.event_types
      FROM unnest(create_subscription.event_types) AS n (name);
    SELECT array_agg(DISTINCT n.name ORDER BY n.name) INTO wanted.aggregate_types
      FROM unnest(create_subscription.aggregate_types) AS n (name);

    INSERT INTO event_store.subscriptions (subscription_name, partitions, event_types, aggregate_types)
    VALUES (wanted.subscription_name, wanted.partitions, wanted.event_types, wanted.aggregate_types)
    ON CONFLICT (subscription_name) DO NOTHING;
    IF NOT FOUND THEN
        SELECT s.* INTO STRICT present FROM event_store.subscriptions s WHERE s.subscription_name = wanted.subscription_name;
        IF (present.partitions, present.event_types, present.aggregate_types)
           IS DISTINCT FROM (wanted.partitions, wanted.event_types, wanted.aggregate_types)
        THEN
            RAISE EXCEPTION 'subscription % exists with another definition', wanted.subscription_name
                USING ERRCODE = 'SE011',
                      DETAIL = format('present: %s partitions, event types %s, aggregate types %s; wanted: %s, %s, %s',
                                      present.partitions, coalesce(present.event_types::text, 'all'),
                                      coalesce(present.aggregate_types::text, 'all'), wanted.partitions,
                                      coalesce(wanted.event_types::text, 'all'),
                                      coalesce(wanted.aggregate_types::text, 'all')),
                      HINT = 'Use the definition that is there, or another name; drop_subscription() forgets it and its '
                          || 'checkpoints.';
        END IF;
        RETURN false;
    END IF;

    INSERT INTO event_store.subscription_partitions (subscription_name, partition, transaction_id, global_position)
    SELECT wanted.subscription_name, p.number, start.transaction_id, start.global_position
      FROM generate_series(0, wanted.partitions - 1) AS p (number)
     CROSS JOIN (SELECT '0'::xid8 AS transaction_id, 0::bigint AS global_position WHERE create_subscription.from_beginning
                 UNION ALL
                 SELECT f.transaction_id, f.global_position FROM event_store.feed_end() f
                  WHERE NOT create_subscription.from_beginning) AS start;
    RETURN true;
END
$$;
