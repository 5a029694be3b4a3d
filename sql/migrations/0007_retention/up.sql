-- What leaves the store: whole seals of events that are too old to keep, and the keys to personal data.

-- One row for each stretch of seals whose events, (after, last] in the feed, were exported and deleted. transaction_id is
-- the deleting transaction's own: the triggers on events let a DELETE through in it, and for this stretch only.
CREATE TABLE event_store.retirements (
    from_seal            bigint       NOT NULL,
    to_seal              bigint       NOT NULL CONSTRAINT retirements_pkey PRIMARY KEY,
    after_transaction_id xid8         NOT NULL,
    after_position       bigint       NOT NULL,
    last_transaction_id  xid8         NOT NULL,
    last_position        bigint       NOT NULL,
    event_count          bigint       NOT NULL,
    export_root          bytea        NOT NULL CONSTRAINT retirements_export_root_check CHECK (length(export_root) = 32),
    exported_to          text         NOT NULL CONSTRAINT retirements_exported_to_check CHECK (exported_to <> ''),
    retired_at           timestamptz  NOT NULL DEFAULT clock_timestamp(),
    retired_by           varchar(255) NOT NULL DEFAULT SESSION_USER,
    transaction_id       xid8         NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT retirements_seals_check CHECK (from_seal <= to_seal)
);
CREATE INDEX idx_retirements_transaction ON event_store.retirements (transaction_id);

-- Aggregates that have no event left, and where they stood: the next event goes on counting from there.
CREATE TABLE event_store.retired_aggregates (
    aggregate_type varchar(255) NOT NULL,
    aggregate_id   uuid         NOT NULL,
    last_version   integer      NOT NULL,
    CONSTRAINT retired_aggregates_pkey PRIMARY KEY (aggregate_type, aggregate_id, last_version)
);

-- The key to a person's data: 32 bytes for HMAC, 32 for AES. NULL = erased; the row stays, so that there is never a second
-- key. Nobody but the owner reads it, and it is never a parameter of a statement, which a server could log.
CREATE TABLE event_store.subject_keys (
    subject_id uuid        NOT NULL CONSTRAINT subject_keys_pkey PRIMARY KEY,
    key        bytea                CONSTRAINT subject_keys_key_check CHECK (length(key) = 64),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- An erased key stays in the file until its page is vacuumed: do that within a minute, not after 50 more.
ALTER TABLE event_store.subject_keys SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

-- Who erased whose key, and on which ground of GDPR article 17: a closed list, because a free text would sooner or later
-- hold a name.
CREATE TABLE event_store.erasures (
    subject_id uuid         NOT NULL CONSTRAINT erasures_pkey PRIMARY KEY,
    reason     text         NOT NULL CONSTRAINT erasures_reason_check CHECK (
        reason IN ('request', 'consent withdrawn', 'objection', 'no longer needed', 'unlawful', 'legal obligation')),
    event_id   uuid         NOT NULL,
    erased_at  timestamptz  NOT NULL DEFAULT clock_timestamp(),
    erased_by  varchar(255) NOT NULL DEFAULT SESSION_USER
);

-- Appended by erase_subject(), also where unknown event types are refused.
INSERT INTO event_store.event_types (event_type, schema_version, description, validation, json_schema)
VALUES ('PersonalDataErased', 1, 'The personal data of the subject can no longer be read: clear every copy.', 'enforce', '{
    "type": "object",
    "properties": {"reason": {"type": "string"}},
    "required": ["reason"],
    "additionalProperties": false
}');
