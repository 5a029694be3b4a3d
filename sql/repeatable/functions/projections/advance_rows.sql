-- Feeds the rows of one projection with what is new below the horizon, and moves its checkpoint along with them.
-- Returns the number of events passed. Does nothing if another session is working on the projection, or if the
-- projection is stopped.
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.advance_rows(
    projection_name text,
    horizon         xid8,
    max_events      integer,
    budget          interval
)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    checkpoint event_store.projections;
    batch      record;
BEGIN
    SELECT p.* INTO checkpoint
      FROM event_store.projections p
     WHERE p.projection_name = advance_rows.projection_name::varchar
       AND (p.status = 'active' OR (p.status = 'failed' AND event_store.is_due(p.retry_at)))
       FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;

    SELECT b.* INTO STRICT batch
      FROM projections.registry() r
     CROSS JOIN LATERAL event_store.apply_events(
               r.projection_name, 'projections', r.event_types, advance_rows.horizon, advance_rows.max_events,
               advance_rows.budget, checkpoint.last_transaction_id, checkpoint.last_global_position) b
     WHERE r.projection_name = advance_rows.projection_name;

    UPDATE event_store.projections p
       SET last_transaction_id = batch.transaction_id,
           last_global_position = batch.global_position,
           last_processed_event_id = coalesce(batch.event_id, p.last_processed_event_id),
           last_processed_timestamp = coalesce(batch.created_at, p.last_processed_timestamp),
           revision = p.revision + batch.applied,
           status = CASE WHEN batch.error_sqlstate IS NULL THEN 'active' ELSE 'failed' END,
           error_message = batch.error_message,
           error_sqlstate = batch.error_sqlstate,
           failed_event_id = batch.failed_event_id,
           failed_global_position = batch.failed_global_position,
           retry_at = event_store.retry_time(batch.error_sqlstate, batch.failed_event_id),
           updated_at = clock_timestamp()
     WHERE p.projection_name = checkpoint.projection_name;
    IF batch.failed_event_id IS NOT NULL THEN
        -- The error message is left out, because it may quote the payload.
        RAISE WARNING 'projection % stopped at event % with SQLSTATE %',
              checkpoint.projection_name, batch.failed_event_id, batch.error_sqlstate
              USING HINT = 'SELECT * FROM event_store.projections shows the message.';
    END IF;
    RETURN batch.passed;
END
$$;
