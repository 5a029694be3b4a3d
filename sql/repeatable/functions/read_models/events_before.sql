-- The events of some aggregates that a projection was fed with before this event, in the feed's order. They are applied
-- again to build rows again.
CREATE OR REPLACE FUNCTION projections.events_before(
    event           event_store.events,
    projection_name text,
    aggregate_type  text,
    aggregate_ids   uuid[]
)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.*
      FROM projections.registry() r
      JOIN event_store.events e ON e.event_type::text = ANY (r.event_types)
     WHERE r.projection_name = events_before.projection_name
       AND e.aggregate_type = events_before.aggregate_type::varchar
       AND e.aggregate_id = ANY (events_before.aggregate_ids)
       AND (e.transaction_id, e.global_position) < (event.transaction_id, event.global_position)
       AND NOT EXISTS (SELECT FROM event_store.projection_skips s
                        WHERE s.projection_name = events_before.projection_name::varchar AND s.event_id = e.event_id
                          AND s.revoked_at IS NULL)
     ORDER BY e.transaction_id, e.global_position;
END
$$;
