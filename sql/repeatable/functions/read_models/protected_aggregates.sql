-- Those of some aggregates whose events before an erasure have envelopes elsewhere than in the fields that the projection
-- clears anyway. What their rows were made of cannot be read any more, so the rows must not keep it: they are deleted, and
-- the events applied again, see events_before(). A rebuild then comes to the same rows.
--
-- Without aggregates whose first event has left the store: nothing could make their rows again.
CREATE OR REPLACE FUNCTION projections.protected_aggregates(
    erasure        event_store.events,
    aggregate_type text,
    aggregate_ids  uuid[],
    cleared        text[]
)
RETURNS uuid[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN ARRAY(
        SELECT i.id
          FROM unnest(protected_aggregates.aggregate_ids) AS i (id)
         CROSS JOIN LATERAL (
               SELECT min(e.event_version) AS first_version,
                      bool_or(e.event_data - protected_aggregates.cleared @? '$.**."$protected"') AS is_protected
                 FROM event_store.events e
                WHERE e.aggregate_type = protected_aggregates.aggregate_type::varchar AND e.aggregate_id = i.id
                  AND (e.transaction_id, e.global_position) < (erasure.transaction_id, erasure.global_position)) h
         WHERE h.first_version = 1 AND h.is_protected);
END
$$;
