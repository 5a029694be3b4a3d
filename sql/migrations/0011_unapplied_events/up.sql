-- Events that a projection has left out because it cannot take them, and why: an account that is opened twice, a payload
-- from before payloads were checked on append. Everything else goes on. A rebuild tries each of them again.
-- problem names the field and never its value, which may be personal.
CREATE TABLE event_store.unapplied_events (
    projection_name varchar(255) NOT NULL,
    event_id        uuid         NOT NULL,
    problem         text         NOT NULL,
    noted_at        timestamptz  NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT unapplied_events_pkey PRIMARY KEY (projection_name, event_id)
);
