-- Those of some aggregates whose events before an erasure have envelopes outside the fields that the projection clears
-- anyway. The data in these envelopes can no longer be read, so the rows must not keep them: they are deleted, and the
-- events are applied again, see events_before(). So a rebuild gives the same rows.
--
-- Aggregates whose first event has left the store are not returned, because their rows could not be built again.
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
