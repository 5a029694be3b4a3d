-- Tags of events, and decisions that span aggregates (docs/decisions.md).

-- A column without a default is an entry in the catalogue, however many events there are. Those of before have no tags.
LOCK TABLE event_store.events IN ACCESS EXCLUSIVE MODE;
ALTER TABLE event_store.events ADD COLUMN tags text[];

-- From a tag to its events, in the feed's order: one row for each tag of an event. A table and no GIN index, for two
-- reasons. It begins empty, where an index over a table of 100 million events would hold appends up for minutes. And what
-- has been stored of a tag since some moment is one stretch of it, where a GIN index hands out all events of the tag.
CREATE TABLE event_store.event_tags (
    tag             text   COLLATE "C" NOT NULL,
    transaction_id  xid8   NOT NULL,
    global_position bigint NOT NULL,
    CONSTRAINT event_tags_pkey PRIMARY KEY (tag, transaction_id, global_position)
);
ALTER TABLE event_store.event_tags
    SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- An item of a query: see query_items(). jsonb_populate_record() makes its arrays in one go.
CREATE TYPE event_store.query_item AS (types text[], tags text[]);

-- The highest number in the feed that a decision was given. A sequence, and not a row, so that decisions do not wait for
-- each other's commits: see note_decision().
CREATE SEQUENCE event_store.last_decision;
