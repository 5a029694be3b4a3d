-- The event store: five tables, the schema of the read models, and who owns what.

-- The owner of a schema may drop anything in it, and `public` belongs to the owner of the database: the application
-- could replace refresh_materialized_views() by code that whoever calls it then runs. It keeps USAGE.
SET LOCAL ROLE NONE;
ALTER SCHEMA public OWNER TO event_store_owner;
SET LOCAL ROLE event_store_owner;

-- A function is callable by nobody until it is granted, also in the moment between CREATE and REVOKE.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- `varchar_column::text IN (...)` below: without the cast PostgreSQL prints the expression in a form that it reads back as
-- another one, and a repaired constraint (or one from a restored dump) would differ from the reference for ever.

CREATE SCHEMA event_store;
CREATE SCHEMA projections;

-- event_version is the place in the aggregate, schema_version the version of the payload's schema.
-- created_at, created_by and transaction_id come from the server: a writer cannot forge them (append_events is the only
-- way in). transaction_id orders the feed: a sequence alone lets readers skip events that commit late.
CREATE TABLE event_store.events (
    event_id        uuid         NOT NULL CONSTRAINT events_pkey PRIMARY KEY,
    global_position bigint       NOT NULL GENERATED ALWAYS AS IDENTITY,
    transaction_id  xid8         NOT NULL DEFAULT pg_current_xact_id(),
    aggregate_id    uuid         NOT NULL,
    created_at      timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    causation_id    uuid,
    correlation_id  uuid,
    event_version   integer      NOT NULL CONSTRAINT events_event_version_check CHECK (event_version >= 1),
    schema_version  integer      NOT NULL DEFAULT 1 CONSTRAINT events_schema_version_check CHECK (schema_version >= 1),
    aggregate_type  varchar(255) NOT NULL CONSTRAINT events_aggregate_type_check CHECK (aggregate_type <> ''),
    event_type      varchar(255) NOT NULL CONSTRAINT events_event_type_check CHECK (event_type <> ''),
    actor           varchar(255) NOT NULL DEFAULT 'system',
    actor_type      varchar(50)  NOT NULL DEFAULT 'system'
        CONSTRAINT events_actor_type_check CHECK (actor_type::text IN ('user', 'service', 'system')),
    source          varchar(50)  NOT NULL DEFAULT 'system'
        CONSTRAINT events_source_check CHECK (source::text IN ('ui', 'api', 'import', 'webhook', 'system')),
    created_by      varchar(255) NOT NULL DEFAULT SESSION_USER,
    event_data      jsonb        NOT NULL CONSTRAINT events_event_data_check CHECK (jsonb_typeof(event_data) = 'object'),
    metadata        jsonb        NOT NULL DEFAULT '{}'
        CONSTRAINT events_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

-- Unique, or two writers could store the same version. Over the type as well: a stream is named by type and id, so
-- aggregates of two types may share an id, and the index answers reads of one stream and of one type alike.
CREATE UNIQUE INDEX idx_events_aggregate ON event_store.events (aggregate_type, aggregate_id, event_version);
CREATE UNIQUE INDEX idx_events_feed ON event_store.events (transaction_id, global_position);
CREATE INDEX idx_events_type ON event_store.events (event_type, created_at);
CREATE INDEX idx_events_created_at ON event_store.events (created_at);
CREATE INDEX idx_events_correlation ON event_store.events (correlation_id) WHERE correlation_id IS NOT NULL;

-- Append-only tables are never updated, so nothing but inserts sets off autovacuum: without it the visibility map
-- stays empty, and pages wait for a wraparound vacuum to be frozen all at once.
ALTER TABLE event_store.events SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE TABLE event_store.commands (
    command_id     uuid         NOT NULL CONSTRAINT commands_pkey PRIMARY KEY,
    command_type   varchar(255) NOT NULL CONSTRAINT commands_command_type_check CHECK (command_type <> ''),
    aggregate_type varchar(255) NOT NULL,
    aggregate_id   uuid         NOT NULL,
    processed_at   timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    actor          varchar(255) NOT NULL DEFAULT 'system',
    actor_type     varchar(50)  NOT NULL DEFAULT 'system'
        CONSTRAINT commands_actor_type_check CHECK (actor_type::text IN ('user', 'service', 'system')),
    source         varchar(50)  NOT NULL DEFAULT 'system'
        CONSTRAINT commands_source_check CHECK (source::text IN ('ui', 'api', 'import', 'webhook', 'system')),
    created_by     varchar(255) NOT NULL DEFAULT SESSION_USER,
    data           jsonb        NOT NULL DEFAULT '{}'
);
CREATE INDEX idx_commands_aggregate ON event_store.commands (aggregate_type, aggregate_id);

-- snapshot_version is the version of the state's schema, aggregate_version the last event that the state contains.
CREATE TABLE event_store.snapshots (
    snapshot_id       uuid         NOT NULL DEFAULT gen_random_uuid() CONSTRAINT snapshots_pkey PRIMARY KEY,
    aggregate_type    varchar(255) NOT NULL,
    aggregate_id      uuid         NOT NULL,
    aggregate_version integer      NOT NULL
        CONSTRAINT snapshots_aggregate_version_check CHECK (aggregate_version >= 1),
    snapshot_version  integer      NOT NULL DEFAULT 1
        CONSTRAINT snapshots_snapshot_version_check CHECK (snapshot_version >= 1),
    snapshot_data     jsonb        NOT NULL,
    created_at        timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP
);
-- The documented unique constraint and the documented descending index have the same columns: one index is both.
CREATE UNIQUE INDEX idx_snapshots_aggregate
    ON event_store.snapshots (aggregate_type, aggregate_id, aggregate_version DESC);

-- One row for each version of a payload's schema: events of the older versions stay in the store for ever.
CREATE TABLE event_store.event_types (
    event_type     varchar(255) NOT NULL,
    schema_version integer      NOT NULL DEFAULT 1
        CONSTRAINT event_types_schema_version_check CHECK (schema_version >= 1),
    json_schema    jsonb        NOT NULL,
    description    text,
    created_at     timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at     timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT event_types_pkey PRIMARY KEY (event_type, schema_version)
);

-- How far each projection has read. (last_transaction_id, last_global_position) is the checkpoint in the feed's order;
-- the event and its time are for people.
CREATE TABLE event_store.projections (
    projection_name          varchar(255) NOT NULL CONSTRAINT projections_pkey PRIMARY KEY,
    last_processed_event_id  uuid,
    last_processed_timestamp timestamptz,
    last_transaction_id      xid8,
    last_global_position     bigint,
    projection_version       integer      NOT NULL DEFAULT 1,
    status                   varchar(50)  NOT NULL DEFAULT 'active'
        CONSTRAINT projections_status_check CHECK (status::text IN ('active', 'paused', 'rebuilding', 'failed')),
    error_message            text,
    updated_at               timestamptz  NOT NULL DEFAULT CURRENT_TIMESTAMP
);
