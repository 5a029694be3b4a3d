-- The newest snapshot of an aggregate at or before a version of the aggregate, or no row.
--
-- snapshot_version: only snapshots with this version of the state's schema; NULL = with any.
CREATE OR REPLACE FUNCTION event_store.get_snapshot_at(
    aggregate_type   text,
    aggregate_id     uuid,
    at_version       integer,
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
     WHERE s.aggregate_type = get_snapshot_at.aggregate_type::varchar
       AND s.aggregate_id = get_snapshot_at.aggregate_id
       AND s.aggregate_version <= get_snapshot_at.at_version
       AND (get_snapshot_at.snapshot_version IS NULL OR s.snapshot_version = get_snapshot_at.snapshot_version)
     ORDER BY s.aggregate_version DESC
     LIMIT 1;
END
$$;
