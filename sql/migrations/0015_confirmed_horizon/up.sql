-- How far standbys read the feed, see feed_horizon(): the worker of the primary writes it, and the WAL brings it to them. A
-- table of its own, because it changes many times a second, and appends read the settings.
CREATE TABLE event_store.confirmed_horizon (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT confirmed_horizon_pkey PRIMARY KEY
        CONSTRAINT confirmed_horizon_only_row_check CHECK (only_row),
    horizon  xid8    NOT NULL
);
INSERT INTO event_store.confirmed_horizon (horizon) VALUES ('0');
