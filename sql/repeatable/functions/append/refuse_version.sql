-- Raises the error for an expectation that is not met. SE001 version conflict; SE002 malformed expected_version.
CREATE OR REPLACE FUNCTION event_store.refuse_version(
    aggregate_type   text,
    aggregate_id     uuid,
    expected_version integer,
    actual_version   integer
)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF expected_version < -1 THEN
        RAISE EXCEPTION 'expected_version is malformed: %', expected_version
            USING ERRCODE = 'SE002',
                  HINT = 'Pass the version that was seen, 0 for "does not exist yet", -1 for "exists", NULL for "any".';
    END IF;
    RAISE EXCEPTION 'version conflict on % %', aggregate_type, aggregate_id
        USING ERRCODE = 'SE001',
              DETAIL = format('expected version %s, actual version %s',
                              CASE expected_version WHEN -1 THEN '1 or more' ELSE expected_version::text END,
                              actual_version),
              HINT = CASE expected_version
                     WHEN -1 THEN 'The aggregate does not exist: check its type and its id.'
                     WHEN 0 THEN 'The aggregate exists already: read its events and decide again.'
                     ELSE 'Read the events since the expected version, decide again, append with the actual version.'
                     END;
END
$$;
