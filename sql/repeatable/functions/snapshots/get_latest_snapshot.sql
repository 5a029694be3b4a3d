-- The newest snapshot of an aggregate, or no row.
--
-- snapshot_version: only snapshots with this version of the state's schema; NULL = with any.
CREATE OR REPLACE FUNCTION event_store.get_latest_snapshot(
    aggregate_type   text,
    aggregate_id     uuid,
    snapshot_version integer DEFAULT NULL
)
RETURNS SETOF event_store.snapshots
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT s.*
      FROM event_store.snapshots s
     WHERE s.aggregate_type = get_latest_snapshot.aggregate_type::varchar
       AND s.aggregate_id = get_latest_snapshot.aggregate_id
       AND (get_latest_snapshot.snapshot_version IS NULL OR s.snapshot_version = get_latest_snapshot.snapshot_version)
     ORDER BY s.aggregate_version DESC
     LIMIT 1;
END
$$;
