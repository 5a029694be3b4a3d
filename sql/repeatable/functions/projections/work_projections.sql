-- The worker calls this again and again. It feeds every projection that has something new, and every rebuild, and
-- returns the number of events passed. If nothing is new, it reads one index entry for each projection and writes
-- nothing.
--
-- It works for about 100 ms at most: what it has done shows with its commit. The time is shared evenly among those that have
-- work; the one that has waited longest goes first. An error affects only the
-- projection in which it occurs. Two workers at once share the work: each passes over what the other one has locked.
CREATE OR REPLACE FUNCTION event_store.work_projections() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms'
AS $$
#variable_conflict use_column
DECLARE
    page    constant integer := 10000;
    until   constant timestamptz := clock_timestamp() + '100 ms';
    horizon constant xid8 := event_store.next_horizon();
    item    record;
    waiting integer;
    share   interval;
    passed  integer := 0;
BEGIN
    IF EXISTS (SELECT FROM projections.registry() r
                WHERE NOT EXISTS (SELECT FROM event_store.projections p
                                   WHERE p.projection_name = r.projection_name::varchar))
    THEN
        PERFORM event_store.enroll_projections();
    END IF;

    -- Rebuild the projections whose definition is newer than their rows. If events have left the store, only an
    -- operator can decide on that.
    FOR item IN
        SELECT r.projection_name
          FROM projections.registry() r
          JOIN event_store.projections p ON p.projection_name = r.projection_name::varchar
          LEFT JOIN event_store.projection_rebuilds b ON b.projection_name = p.projection_name
         WHERE r.definition_version > coalesce(b.definition_version, p.definition_version)
           AND (b.retry_at IS NULL OR event_store.is_due(b.retry_at))
           AND NOT EXISTS (SELECT FROM event_store.retirements)
           AND NOT EXISTS (SELECT FROM unnest(r.tables) AS t WHERE to_regclass(format('projections.%I', t)) IS NULL)
    LOOP
        BEGIN
            PERFORM event_store.rebuild_projection(item.projection_name);
        EXCEPTION
            WHEN lock_not_available THEN
                -- Its turn comes with the next call.
                CONTINUE;
            WHEN OTHERS THEN
                PERFORM event_store.note_failed_rebuild(item.projection_name, SQLSTATE, SQLERRM);
        END;
    END LOOP;

    FOR item IN
        SELECT w.projection_name, w.is_rebuild, count(*) OVER ()::integer AS items
          FROM (SELECT p.projection_name, p.updated_at, false AS is_rebuild
                  FROM event_store.projections p
                  JOIN projections.registry() r ON r.projection_name::varchar = p.projection_name
                 WHERE (p.status = 'active' OR (p.status = 'failed' AND event_store.is_due(p.retry_at)))
                   AND EXISTS (SELECT FROM event_store.events e
                                WHERE (e.transaction_id, e.global_position)
                                      > (p.last_transaction_id, p.last_global_position)
                                  AND e.transaction_id < horizon)
                UNION ALL
                SELECT b.projection_name, b.updated_at, true
                  FROM event_store.projection_rebuilds b
                  JOIN projections.registry() r ON r.projection_name::varchar = b.projection_name
                 WHERE b.definition_version > 0
                   AND (b.status = 'active' OR (b.status = 'failed' AND event_store.is_due(b.retry_at)))) w
         -- A time in the future is from before the clock was set back.
         ORDER BY w.is_rebuild, w.updated_at > clock_timestamp() DESC, w.updated_at
    LOOP
        waiting := coalesce(waiting, item.items);
        EXIT WHEN clock_timestamp() >= until AND passed > 0;
        -- However slow the machine is, the first one makes progress. However far the clock is set back, none takes more
        -- than all of the time.
        share := least(greatest((until - clock_timestamp()) / waiting, '10 ms'), '100 ms');
        IF item.is_rebuild THEN
            passed := passed + event_store.advance_rebuild(item.projection_name, horizon, page, share);
        ELSE
            passed := passed + event_store.advance_rows(item.projection_name, horizon, page, share);
        END IF;
        waiting := waiting - 1;
    END LOOP;
    RETURN passed;
END
$$;
