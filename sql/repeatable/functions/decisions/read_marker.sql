-- Takes a marker apart that marker_of() has made; NULL stays NULL. Not for the application. SE002 it is no marker.
CREATE OR REPLACE FUNCTION event_store.read_marker(
    marker text,
    OUT fork uuid, OUT snapshot pg_snapshot, OUT seen bigint[]
)
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF marker IS NULL THEN
        RETURN;
    END IF;
    IF marker !~ '^m[0-9a-f]{32}[.][0-9]{1,19}:[0-9]{1,19}:[0-9,]*[.]([0-9]{1,18}(,[0-9]{1,18})*)?$' THEN
        RAISE EXCEPTION 'malformed: the marker is not one that read_events() has returned'
            USING ERRCODE = 'SE002',
                  HINT = 'Pass the marker of the first row of read_events(), unchanged. NULL means that no event may match.';
    END IF;
    fork := substr(marker, 2, 32)::uuid;
    snapshot := split_part(marker, '.', 2)::pg_snapshot;
    seen := string_to_array(split_part(marker, '.', 3), ',')::bigint[];
END
$$;
