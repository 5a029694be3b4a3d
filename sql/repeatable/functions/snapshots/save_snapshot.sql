-- Saves the state of an aggregate as it was after its event aggregate_version: true = saved, false = the same snapshot,
-- or one with a newer state schema, was there already.
--
-- snapshot_version: the version of the state's schema, not of the aggregate. There is one snapshot for each version of
-- an aggregate. It is derived from the events and can be recreated at any time, so another state replaces it: otherwise
-- a wrong one could never be fixed, and what only saves time would become a reason to fail. A snapshot with a newer
-- schema is not replaced: otherwise two releases of an application that run side by side would remove each other's
-- snapshots.
--
-- SE002 malformed snapshot; SE009 the aggregate has no such version yet.
CREATE OR REPLACE FUNCTION event_store.save_snapshot(
    aggregate_type    text,
    aggregate_id      uuid,
    aggregate_version integer,
    snapshot_data     jsonb,
    snapshot_version  integer DEFAULT 1
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    current_version integer;
BEGIN
    IF (save_snapshot.aggregate_type <> '' AND save_snapshot.aggregate_id IS NOT NULL
        AND save_snapshot.aggregate_version >= 1 AND save_snapshot.snapshot_version >= 1
        AND save_snapshot.snapshot_data IS NOT NULL) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the snapshot is malformed'
            USING ERRCODE = 'SE002',
                  DETAIL = format('aggregate type %L, id %L, version %L, snapshot_version %L, snapshot_data is %s',
                                  save_snapshot.aggregate_type, save_snapshot.aggregate_id,
                                  save_snapshot.aggregate_version, save_snapshot.snapshot_version,
                                  coalesce(jsonb_typeof(save_snapshot.snapshot_data), 'NULL')),
                  HINT = 'Name the aggregate by type and id; versions are 1 or more; snapshot_data is any JSON value.';
    END IF;

    SELECT e.event_version INTO current_version
      FROM event_store.events e
     WHERE e.aggregate_type = save_snapshot.aggregate_type::varchar AND e.aggregate_id = save_snapshot.aggregate_id
     ORDER BY e.event_version DESC
     LIMIT 1;
    IF NOT FOUND THEN
        -- All events may have left the store.
        SELECT coalesce(max(r.last_version), 0) INTO current_version
          FROM event_store.retired_aggregates r
         WHERE r.aggregate_type = save_snapshot.aggregate_type::varchar AND r.aggregate_id = save_snapshot.aggregate_id;
    END IF;
    IF save_snapshot.aggregate_version > current_version THEN
        RAISE EXCEPTION 'the snapshot is ahead of % %', save_snapshot.aggregate_type, save_snapshot.aggregate_id
            USING ERRCODE = 'SE009',
                  DETAIL = format('snapshot of version %s, actual version %s',
                                  save_snapshot.aggregate_version, current_version),
                  HINT = 'Save the state that the stored events give, with the event_version of the last one of them.';
    END IF;

    INSERT INTO event_store.snapshots AS s (
        aggregate_type, aggregate_id, aggregate_version, snapshot_version, snapshot_data)
    VALUES (
        save_snapshot.aggregate_type, save_snapshot.aggregate_id, save_snapshot.aggregate_version,
        save_snapshot.snapshot_version, save_snapshot.snapshot_data)
    ON CONFLICT (aggregate_type, aggregate_id, aggregate_version) DO UPDATE
       SET snapshot_version = excluded.snapshot_version,
           snapshot_data = excluded.snapshot_data,
           created_at = excluded.created_at
     WHERE s.snapshot_version < excluded.snapshot_version
        OR s.snapshot_version = excluded.snapshot_version AND s.snapshot_data <> excluded.snapshot_data;
    RETURN FOUND;
END
$$;
