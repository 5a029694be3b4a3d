-- Seals: what makes it show when somebody who is above privileges and triggers has rewritten history.

-- A seal covers the events after one cursor of the feed up to another: (after, last]. Each begins where the one before
-- ends, so an event slipped in between two seals is in one of them. `leaves` are the events' hashes in the feed's order,
-- 32 bytes each (6 % of a small event with its indexes): they name the event that was edited, and tell edited from deleted
-- and inserted. `root` is their Merkle tree hash (RFC 6962), `hash` covers all of it and the hash of the seal before.
CREATE TABLE event_store.seals (
    seal                 bigint      NOT NULL CONSTRAINT seals_pkey PRIMARY KEY
        CONSTRAINT seals_seal_check CHECK (seal >= 1),
    after_transaction_id xid8        NOT NULL,
    after_position       bigint      NOT NULL,
    last_transaction_id  xid8        NOT NULL,
    last_position        bigint      NOT NULL,
    event_count          integer     NOT NULL CONSTRAINT seals_event_count_check CHECK (event_count >= 1),
    sealed_at            timestamptz NOT NULL,
    root                 bytea       NOT NULL CONSTRAINT seals_root_check CHECK (length(root) = 32),
    previous_hash        bytea       NOT NULL CONSTRAINT seals_previous_hash_check CHECK (length(previous_hash) = 32),
    hash                 bytea       NOT NULL CONSTRAINT seals_hash_check CHECK (length(hash) = 32),
    leaves               bytea       NOT NULL
);

-- From an event to its seal.
CREATE UNIQUE INDEX idx_seals_last ON event_store.seals (last_transaction_id, last_position);

-- Hashes do not compress.
ALTER TABLE event_store.seals ALTER COLUMN leaves SET STORAGE EXTERNAL;
