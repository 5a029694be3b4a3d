-- Forks: where the numbers of the feed begin anew, because a part of what was handed out before may be lost
-- (docs/epochs.md).

-- Appends read the settings, and readers of the feed too: they wait until this is over.
LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;

-- One row for each history of the store. No event was ever stored between (last_transaction_id, last_position), the last
-- place before the fork, and first_transaction_id, the lowest number after it: a cursor from there is of a history that is
-- lost. The first row has nothing in between.
CREATE TABLE event_store.forks (
    fork                 uuid         NOT NULL DEFAULT gen_random_uuid() CONSTRAINT forks_pkey PRIMARY KEY,
    reason               text         NOT NULL CONSTRAINT forks_reason_check CHECK (
        reason IN ('first', 'start', 'timeline', 'restore', 'cluster', 'settings')),
    cluster_identifier   bigint       NOT NULL,
    timeline             bigint       NOT NULL,
    server_start         timestamptz  NOT NULL,
    last_transaction_id  xid8         NOT NULL,
    last_position        bigint       NOT NULL,
    first_transaction_id xid8         NOT NULL,
    first_position       bigint       NOT NULL,
    recorded_at          timestamptz  NOT NULL DEFAULT clock_timestamp(),
    recorded_by          varchar(255) NOT NULL DEFAULT SESSION_USER
);
-- From a cursor to the fork after it.
CREATE UNIQUE INDEX idx_forks_first ON event_store.forks (first_transaction_id);

-- Where the present history has begun: if the server is another one now, or has been started since, it is over. fork: the
-- newest row of forks. table_id: the oid of this table, which is another one once a dump was restored.
ALTER TABLE event_store.settings
    ADD COLUMN fork         uuid,
    ADD COLUMN timeline     bigint,
    ADD COLUMN server_start timestamptz,
    ADD COLUMN table_id     oid;

-- A process that lives as long as the server's memory, unlike the postmaster, shows when that was lost; only the superuser
-- may look. As event_store.server_state() has it.
SET LOCAL ROLE NONE;
UPDATE event_store.settings s
   SET fork = gen_random_uuid(),
       timeline = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint,
       server_start = coalesce((SELECT a.backend_start FROM pg_stat_activity a WHERE a.backend_type = 'checkpointer'),
                               pg_postmaster_start_time()),
       table_id = 'event_store.settings'::regclass;
SET LOCAL ROLE event_store_owner;

-- Nothing is renumbered, and every cursor stays a place in the feed.
INSERT INTO event_store.forks (fork, reason, cluster_identifier, timeline, server_start, last_transaction_id, last_position,
                               first_transaction_id, first_position)
SELECT s.fork, 'first', s.cluster_identifier, s.timeline, s.server_start, last.transaction_id, last.global_position,
       last.transaction_id, last.global_position + 1
  FROM event_store.settings s
 CROSS JOIN LATERAL (
       SELECT p.transaction_id, p.global_position
         FROM ((SELECT e.transaction_id, e.global_position FROM event_store.events e
                 ORDER BY e.transaction_id DESC, e.global_position DESC LIMIT 1)
               UNION ALL SELECT '0'::xid8, 0) AS p
        ORDER BY p.transaction_id DESC
        LIMIT 1) last;

ALTER TABLE event_store.settings
    ALTER COLUMN fork SET NOT NULL,
    ALTER COLUMN timeline SET NOT NULL,
    ALTER COLUMN server_start SET NOT NULL,
    ALTER COLUMN table_id SET NOT NULL;
