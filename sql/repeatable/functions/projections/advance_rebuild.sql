-- Feeds the tables of a rebuild, and takes them over once they have caught up. Returns the number of events passed. The
-- old rows are not touched before that, whatever happens. Does nothing if another session is working on the rebuild, or
-- if it has failed and is not due to be tried again.
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.advance_rebuild(
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
    checkpoint event_store.projection_rebuilds;
    batch      record;
BEGIN
    SELECT b.* INTO checkpoint
      FROM event_store.projection_rebuilds b
     WHERE b.projection_name = advance_rebuild.projection_name::varchar
       AND b.definition_version > 0
       AND (b.status = 'active' OR (b.status = 'failed' AND event_store.is_due(b.retry_at)))
       FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;

    SELECT b.* INTO STRICT batch
      FROM projections.registry() r
     CROSS JOIN LATERAL event_store.apply_events(
               r.projection_name, 'projections_rebuild', r.event_types, advance_rebuild.horizon,
               advance_rebuild.max_events, advance_rebuild.budget,
               checkpoint.last_transaction_id, checkpoint.last_global_position) b
     WHERE r.projection_name = advance_rebuild.projection_name;

    UPDATE event_store.projection_rebuilds b
       SET last_transaction_id = batch.transaction_id,
           last_global_position = batch.global_position,
           status = CASE WHEN batch.error_sqlstate IS NULL THEN 'active' ELSE 'failed' END,
           error_message = batch.error_message,
           error_sqlstate = batch.error_sqlstate,
           failed_event_id = batch.failed_event_id,
           failed_global_position = batch.failed_global_position,
           retry_at = event_store.retry_time(batch.error_sqlstate, batch.failed_event_id),
           updated_at = clock_timestamp()
     WHERE b.projection_name = checkpoint.projection_name;

    IF batch.error_sqlstate IS NULL AND NOT EXISTS (
        SELECT FROM event_store.events e
         WHERE (e.transaction_id, e.global_position) > (batch.transaction_id, batch.global_position)
           AND e.transaction_id < advance_rebuild.horizon)
    THEN
        BEGIN
            PERFORM event_store.take_over_rebuild(advance_rebuild.projection_name);
        EXCEPTION WHEN OTHERS THEN
            UPDATE event_store.projection_rebuilds b
               SET status = 'failed', error_message = SQLERRM, error_sqlstate = SQLSTATE,
                   retry_at = event_store.retry_time(SQLSTATE, NULL)
             WHERE b.projection_name = checkpoint.projection_name;
        END;
    END IF;
    RETURN batch.passed;
END
$$;
