-- The version of an aggregate that has no events in the store: the version of its last event that left the store, or 0
-- if there was none.
CREATE OR REPLACE FUNCTION event_store.retired_version(aggregate_type text, aggregate_id uuid) RETURNS integer
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN coalesce((SELECT max(r.last_version)
                       FROM event_store.retired_aggregates r
                      WHERE r.aggregate_type = retired_version.aggregate_type::varchar
                        AND r.aggregate_id = retired_version.aggregate_id), 0);
END
$$;
