-- Settings of the store, commands that remember their first result, and event types whose payloads are validated.

SET LOCAL ROLE NONE;
-- Validates payloads with Debian's python3-jsonschema; the language is the superuser's alone.
CREATE EXTENSION plpython3u;
-- In a schema of its own: the schemas of the store hold nothing that the store's files do not make.
CREATE SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO event_store_owner;
CREATE EXTENSION pgcrypto SCHEMA extensions;
SET LOCAL ROLE event_store_owner;

-- One row. An event's number in the feed is its transaction's id plus feed_offset: 0 until the store is restored into
-- another cluster, whose transaction ids may lie below those of the stored events. cluster_identifier says in which
-- cluster the offset holds. has_retired_aggregates spares each new aggregate the look whether it is an old one.
CREATE TABLE event_store.settings (
    only_row               boolean  NOT NULL DEFAULT true CONSTRAINT settings_pkey PRIMARY KEY
        CONSTRAINT settings_only_row_check CHECK (only_row),
    unknown_event_types    text     NOT NULL DEFAULT 'allow'
        CONSTRAINT settings_unknown_event_types_check CHECK (unknown_event_types IN ('allow', 'refuse')),
    retention              interval NOT NULL DEFAULT '7 years'
        CONSTRAINT settings_retention_check CHECK (retention >= '1 day'),
    feed_offset            bigint   NOT NULL DEFAULT 0 CONSTRAINT settings_feed_offset_check CHECK (feed_offset >= 0),
    cluster_identifier     bigint   NOT NULL,
    has_retired_aggregates boolean  NOT NULL DEFAULT false
);

-- A store that was restored before it had this table has numbers from the future already.
INSERT INTO event_store.settings (feed_offset, cluster_identifier)
SELECT greatest(0, coalesce(max(e.transaction_id)::text::bigint, 0) - pg_current_xact_id()::text::bigint),
       (SELECT c.system_identifier FROM pg_control_system() c)
  FROM event_store.events e;

-- The first result, one element for each append of the command, in the order of the call: the last event's version and
-- position. NULL = recorded without events. content_hash is over what the other columns do not show.
ALTER TABLE event_store.commands
    ADD COLUMN event_versions   integer[],
    ADD COLUMN global_positions bigint[],
    ADD COLUMN content_hash     bytea;

-- 'off' for the schemas that are there: nobody has checked them yet.
ALTER TABLE event_store.event_types
    ADD COLUMN validation text NOT NULL DEFAULT 'off'
        CONSTRAINT event_types_validation_check CHECK (validation IN ('off', 'warn', 'enforce'));

-- append_event() and append_events() are the only way in, and check all of this before they insert. As constraints of the
-- table it is checked again, and costs more than both: PostgreSQL reads a constraint's expression from its text for
-- each INSERT, which with eight of them is a tenth of a transaction that appends one event.
ALTER TABLE event_store.events
    DROP CONSTRAINT events_event_version_check,
    DROP CONSTRAINT events_schema_version_check,
    DROP CONSTRAINT events_aggregate_type_check,
    DROP CONSTRAINT events_event_type_check,
    DROP CONSTRAINT events_actor_type_check,
    DROP CONSTRAINT events_source_check,
    DROP CONSTRAINT events_event_data_check,
    DROP CONSTRAINT events_metadata_check;

-- What append_event() returns.
CREATE TYPE event_store.appended_event AS (event_id uuid, event_version integer, global_position bigint);
