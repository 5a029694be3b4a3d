-- What the state of an aggregate is built from: its latest snapshot, if there is one, and the events after it.
--
-- One row for each event in the order of the versions. If there is a snapshot, it is the first row, recognisable by
-- event_type NULL: its event_version is the version of the aggregate that it holds, schema_version the version of the
-- state's schema, event_data the state, event_id the snapshot's id, created_at the time when it was saved; all else is
-- NULL. No row: there is no such aggregate. The result is rows and not one JSON value, so that the client gets the
-- types that it knows from get_events(), and only the columns that it asks for. For 10,000 events, one JSON value with
-- all columns takes as long as the rows; the three columns that a state is built from take a third of that.
--
-- snapshot_version: only a snapshot with this version of the state's schema; NULL = with any. at_version, at_time: the
-- state at that version or that time (whichever is earlier); NULL = the present state.
--
-- STABLE: everything in here is read from the calling statement's snapshot of the database.
--
-- SE015 events that are needed have left the store: the remaining ones would give another state.
CREATE OR REPLACE FUNCTION event_store.load_aggregate(
    aggregate_type   text,
    aggregate_id     uuid,
    snapshot_version integer DEFAULT NULL,
    at_version       integer DEFAULT NULL,
    at_time          timestamptz DEFAULT NULL
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last_version integer := coalesce(load_aggregate.at_version, 2147483647);
    snapshot     event_store.events;
    first_needed integer;
    first_stored integer;
BEGIN
    IF load_aggregate.at_time IS NOT NULL THEN
        last_version := least(last_version, event_store.get_version_at(
            load_aggregate.aggregate_type, load_aggregate.aggregate_id, load_aggregate.at_time));
    END IF;

    SELECT s.snapshot_id, s.aggregate_type, s.aggregate_id, s.aggregate_version,
           s.snapshot_version, s.snapshot_data, s.created_at
      INTO snapshot.event_id, snapshot.aggregate_type, snapshot.aggregate_id, snapshot.event_version,
           snapshot.schema_version, snapshot.event_data, snapshot.created_at
      FROM event_store.snapshots s
     WHERE s.aggregate_type = load_aggregate.aggregate_type::varchar
       AND s.aggregate_id = load_aggregate.aggregate_id
       AND s.aggregate_version <= last_version
       AND (load_aggregate.snapshot_version IS NULL OR s.snapshot_version = load_aggregate.snapshot_version)
     ORDER BY s.aggregate_version DESC
     LIMIT 1;
    IF FOUND THEN
        RETURN NEXT snapshot;
    END IF;
    first_needed := coalesce(snapshot.event_version, 0) + 1;

    SELECT e.event_version INTO first_stored
      FROM event_store.events e
     WHERE e.aggregate_type = load_aggregate.aggregate_type::varchar AND e.aggregate_id = load_aggregate.aggregate_id
     ORDER BY e.event_version
     LIMIT 1;
    IF NOT FOUND THEN
        SELECT max(r.last_version) + 1 INTO first_stored
          FROM event_store.retired_aggregates r
         WHERE r.aggregate_type = load_aggregate.aggregate_type::varchar
           AND r.aggregate_id = load_aggregate.aggregate_id;
    END IF;
    IF first_needed < first_stored AND first_needed <= last_version THEN
        RAISE EXCEPTION 'events of % % have left the store', load_aggregate.aggregate_type, load_aggregate.aggregate_id
            USING ERRCODE = 'SE015',
                  DETAIL = format('needed from version %s on, stored from version %s on', first_needed, first_stored),
                  HINT = 'Ask for a later version, or for a snapshot of another snapshot_version. If there is none, save one from '
                      || 'the archived events: event_store.retirements says where they are.';
    END IF;

    RETURN QUERY
    SELECT e.*
      FROM event_store.events e
     WHERE e.aggregate_type = load_aggregate.aggregate_type::varchar
       AND e.aggregate_id = load_aggregate.aggregate_id
       AND e.event_version >= first_needed
       AND e.event_version <= last_version
     ORDER BY e.event_version;
END
$$;
