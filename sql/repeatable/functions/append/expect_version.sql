-- What every append begins with: waits for its turn at the aggregate and returns the aggregate's version (0 = none yet).
--
-- One writer at a time for each aggregate, so that "any version" never meets a conflict that is none, and so that a
-- conflict is found here, before a position is taken, and not by the unique index afterwards.
--
-- Not for the application; without SET and SECURITY DEFINER, because its callers have both. SE001 version conflict.
CREATE OR REPLACE FUNCTION event_store.expect_version(
    aggregate_type   text,
    aggregate_id     uuid,
    expected_version integer
)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    current_version integer;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended(expect_version.aggregate_type || ' ' || expect_version.aggregate_id, 0));

    SELECT e.event_version INTO current_version
      FROM event_store.events e
     WHERE e.aggregate_type = expect_version.aggregate_type::varchar AND e.aggregate_id = expect_version.aggregate_id
     ORDER BY e.event_version DESC
     LIMIT 1;
    current_version := coalesce(current_version, 0);

    IF expect_version.expected_version <> current_version THEN
        RAISE EXCEPTION 'version conflict on % %', expect_version.aggregate_type, expect_version.aggregate_id
            USING ERRCODE = 'SE001',
                  DETAIL = format('expected version %s, actual version %s', expect_version.expected_version, current_version),
                  HINT = 'Read the events since the expected version, decide again, and append with the actual version.';
    END IF;
    RETURN current_version;
END
$$;
