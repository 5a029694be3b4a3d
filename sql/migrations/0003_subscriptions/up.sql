-- Named subscriptions: consumers of the feed that remember in here how far they are.

-- What a subscription is; never changed once it is there. NULL = events of all types.
CREATE TABLE event_store.subscriptions (
    subscription_name varchar(255) NOT NULL CONSTRAINT subscriptions_pkey PRIMARY KEY
        CONSTRAINT subscriptions_subscription_name_check CHECK (subscription_name <> ''),
    partitions        integer      NOT NULL CONSTRAINT subscriptions_partitions_check CHECK (partitions BETWEEN 1 AND 256),
    event_types       text[]       CONSTRAINT subscriptions_event_types_check CHECK (cardinality(event_types) > 0),
    aggregate_types   text[]       CONSTRAINT subscriptions_aggregate_types_check CHECK (cardinality(aggregate_types) > 0),
    created_at        timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    created_by        varchar(255) NOT NULL DEFAULT SESSION_USER
);

-- Numbers for claims, of all subscriptions together: one that is dropped and made again under its name must not hand out
-- a token that a consumer of the old one still has.
CREATE SEQUENCE event_store.subscription_tokens;

-- One row for each partition, numbered from 0. (transaction_id, global_position) is the checkpoint: the last event that
-- was acknowledged, or passed over. token is the number of
-- the last claim or reset (0 = none yet): it tells the present holder from all earlier ones.
CREATE TABLE event_store.subscription_partitions (
    subscription_name varchar(255) NOT NULL CONSTRAINT subscription_partitions_subscription_name_fkey
        REFERENCES event_store.subscriptions (subscription_name),
    partition         integer      NOT NULL CONSTRAINT subscription_partitions_partition_check CHECK (partition >= 0),
    transaction_id    xid8         NOT NULL DEFAULT '0',
    global_position   bigint       NOT NULL DEFAULT 0,
    token             bigint       NOT NULL DEFAULT 0,
    consumer          varchar(255),
    lease             interval,
    leased_until      timestamptz,
    claimed_at        timestamptz,
    acknowledged_at   timestamptz,
    CONSTRAINT subscription_partitions_pkey PRIMARY KEY (subscription_name, partition),
    CONSTRAINT subscription_partitions_lease_check CHECK (num_nulls(consumer, lease, leased_until) IN (0, 3))
);

-- A few rows that change all the time: with room in each page an update touches no index, and vacuum comes by number of
-- changes, not by a share of the table.
ALTER TABLE event_store.subscription_partitions SET (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
