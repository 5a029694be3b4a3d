-- The snapshot of the statement that calls this, as a marker has it: the transaction's own id counts as not ended, although
-- the snapshot leaves it out, because own events of before and after the marker have the same id. On a standby a snapshot
-- does not list what is at work on the primary, so nothing from its xmin on counts as ended. Not for the application.
CREATE OR REPLACE FUNCTION event_store.present_snapshot() RETURNS pg_snapshot
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    snapshot constant pg_snapshot := pg_current_snapshot();
    xmin     constant bigint      := pg_snapshot_xmin(snapshot)::text::bigint;
    own      bigint;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN format('%s:%s:', xmin, xmin)::pg_snapshot;
    END IF;
    own := pg_current_xact_id_if_assigned()::text::bigint;
    -- From xmax on nothing counts as ended in any case.
    IF own IS NULL OR own >= pg_snapshot_xmax(snapshot)::text::bigint THEN
        RETURN snapshot;
    END IF;
    RETURN format('%s:%s:%s', xmin, pg_snapshot_xmax(snapshot),
                  array_to_string(ARRAY(SELECT x::text::bigint FROM pg_snapshot_xip(snapshot) AS x
                                         UNION SELECT own ORDER BY 1), ','))::pg_snapshot;
END
$$;
