-- The version of an aggregate (0 = none yet), if it is what the caller expects. append_event() does the same by itself, in
-- fewer statements.
--
-- The caller has waited for its turn, see await_turn(). So "any version" never causes a conflict, and a real conflict is
-- found here, before a number or a position is taken, and not afterwards by the unique index. It is also what keeps the
-- versions in the order of the feed: whoever appends has seen the aggregate's last event, committed or its own, before it
-- takes its number. See docs/feed.md.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both. SE001 version
-- conflict; SE002 malformed expected_version.
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
    -- A statement of its own, so that it sees what was committed during the wait for the turn.
    SELECT coalesce((SELECT e.event_version
                       FROM event_store.events e
                      WHERE e.aggregate_type = expect_version.aggregate_type::varchar
                        AND e.aggregate_id = expect_version.aggregate_id
                      ORDER BY e.event_version DESC
                      LIMIT 1),
                    event_store.retired_version(expect_version.aggregate_type, expect_version.aggregate_id))
      INTO current_version;

    IF expect_version.expected_version <> current_version
       AND NOT (expect_version.expected_version = -1 AND current_version > 0)
    THEN
        PERFORM event_store.refuse_version(expect_version.aggregate_type, expect_version.aggregate_id,
                                           expect_version.expected_version, current_version);
    END IF;
    RETURN current_version;
END
$$;
