-- What the projections framework remembers, and its first table. What a projection consists of (tables, event types) is
-- code: sql/repeatable/functions/projections/registry.sql.

-- The tables of a rebuild, while it lasts. Nobody but the owner has any privilege in here.
CREATE SCHEMA projections_rebuild;

-- The checkpoint is never unknown: a new projection stands before the first event.
UPDATE event_store.projections SET last_transaction_id = '0', last_global_position = 0
 WHERE last_transaction_id IS NULL OR last_global_position IS NULL;

-- definition_version: the version in the registry that the rows were built with. projection_version: how many times the
-- rows were built. revision counts up with every change of the rows: a view over them is stale if it has seen a lower one.
-- The failed event is the one that the status 'failed' is about; retry_at is set where the event is not to blame
-- (a deadlock, a full disk), and then the worker goes on by itself.
-- A rebuild has a row of its own, and the old rows go on meanwhile: 'rebuilding' is no status of theirs.
ALTER TABLE event_store.projections
    ALTER COLUMN last_transaction_id SET DEFAULT '0',
    ALTER COLUMN last_transaction_id SET NOT NULL,
    ALTER COLUMN last_global_position SET DEFAULT 0,
    ALTER COLUMN last_global_position SET NOT NULL,
    ADD COLUMN definition_version     integer NOT NULL DEFAULT 1,
    ADD COLUMN revision               bigint  NOT NULL DEFAULT 0,
    ADD COLUMN error_sqlstate         text,
    ADD COLUMN failed_event_id        uuid,
    ADD COLUMN failed_global_position bigint,
    ADD COLUMN retry_at               timestamptz,
    DROP CONSTRAINT projections_status_check,
    ADD CONSTRAINT projections_status_check CHECK (status::text IN ('active', 'paused', 'failed')),
    -- The checkpoint moves many times a second: room for its versions in the page, so that no index is touched.
    SET (fillfactor = 20);

-- One row for each rebuild under way: how far its tables in projections_rebuild have come.
CREATE TABLE event_store.projection_rebuilds (
    projection_name        varchar(255) NOT NULL CONSTRAINT projection_rebuilds_pkey PRIMARY KEY,
    definition_version     integer      NOT NULL,
    last_transaction_id    xid8         NOT NULL DEFAULT '0',
    last_global_position   bigint       NOT NULL DEFAULT 0,
    status                 varchar(50)  NOT NULL DEFAULT 'active'
        CONSTRAINT projection_rebuilds_status_check CHECK (status::text IN ('active', 'failed')),
    error_message          text,
    error_sqlstate         text,
    failed_event_id        uuid,
    failed_global_position bigint,
    retry_at               timestamptz,
    started_at             timestamptz  NOT NULL DEFAULT clock_timestamp(),
    updated_at             timestamptz  NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 20);

-- Events that a projection passes over because somebody said so, and who did. Never deleted: an audit trail.
CREATE TABLE event_store.projection_skips (
    skip_id         bigint       NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT projection_skips_pkey PRIMARY KEY,
    projection_name varchar(255) NOT NULL,
    event_id        uuid         NOT NULL,
    reason          text         NOT NULL CONSTRAINT projection_skips_reason_check CHECK (reason <> ''),
    error_message   text,
    skipped_at      timestamptz  NOT NULL DEFAULT clock_timestamp(),
    skipped_by      varchar(255) NOT NULL DEFAULT SESSION_USER,
    revoked_at      timestamptz,
    revoked_by      varchar(255)
);
CREATE UNIQUE INDEX idx_projection_skips_in_force
    ON event_store.projection_skips (projection_name, event_id) WHERE revoked_at IS NULL;

-- When each materialized view was refreshed, up to which revision of its projection, and how long that took.
CREATE TABLE event_store.view_refreshes (
    view_name    text        NOT NULL CONSTRAINT view_refreshes_pkey PRIMARY KEY,
    revision     bigint      NOT NULL DEFAULT -1,
    refreshed_at timestamptz NOT NULL DEFAULT '-infinity',
    duration     interval    NOT NULL DEFAULT '0'
) WITH (fillfactor = 20);

-- One row for each position: its latest state. Half of each page is room for new versions of its rows.
CREATE TABLE projections.positions (
    position_id   uuid        NOT NULL CONSTRAINT positions_pkey PRIMARY KEY,
    symbol        varchar,
    quantity      numeric,
    average_price numeric,
    current_value numeric,
    last_updated  timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX idx_positions_symbol ON projections.positions (symbol);

-- A store that has events already: they are counted in at once, and not event by event afterwards, because the
-- materialized view is made over this table in the same deploy. Below the horizon only, as in every reading of the feed.
WITH horizon AS (
    SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + feed_offset)::text::xid8 AS number
      FROM event_store.settings
), seen AS MATERIALIZED (
    SELECT e.* FROM event_store.events e, horizon h WHERE e.transaction_id < h.number
), filled AS (
    INSERT INTO projections.positions (position_id, symbol, quantity, average_price, current_value, last_updated)
    SELECT aggregate_id,
           (array_agg(event_data -> 'symbol' ORDER BY event_version DESC) FILTER (WHERE event_data ? 'symbol'))[1] #>> '{}',
           ((array_agg(event_data -> 'quantity' ORDER BY event_version DESC)
               FILTER (WHERE jsonb_typeof(event_data -> 'quantity') = 'number'))[1])::numeric,
           ((array_agg(event_data -> 'average_price' ORDER BY event_version DESC)
               FILTER (WHERE jsonb_typeof(event_data -> 'average_price') = 'number'))[1])::numeric,
           ((array_agg(event_data -> 'current_value' ORDER BY event_version DESC)
               FILTER (WHERE jsonb_typeof(event_data -> 'current_value') = 'number'))[1])::numeric,
           max(created_at)
      FROM seen
     WHERE aggregate_type = 'Position' AND event_type IN ('PositionOpened', 'PositionUpdated', 'PositionClosed')
     GROUP BY aggregate_id
)
INSERT INTO event_store.projections (
    projection_name, last_processed_event_id, last_processed_timestamp, last_transaction_id, last_global_position)
SELECT 'portfolio_positions', event_id, created_at, transaction_id, global_position
  FROM seen
 ORDER BY transaction_id DESC, global_position DESC
 LIMIT 1;
