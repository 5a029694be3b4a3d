-- The core of the framework: applies the events after a checkpoint to the tables in target_schema, and returns the
-- checkpoint that it has reached. It applies only events below the horizon, at most max_events, and stops when the time
-- budget is used up.
--
-- If an event fails, what succeeded before it is kept, and the failed_… and error_… columns say which event failed and
-- why. Only a batch as a whole can be undone (a subtransaction for each event would cost more than most events do), so
-- after an error the batch is tried again by halves.
--
-- search_path is for the apply function, see registry.sql. pg_temp comes last, or a temporary table could pose as one
-- of the projection's tables. event_store.projecting lets the owner through the row security of the tables.
-- lock_timeout: somebody who locks a table of one projection must not stop the others. timezone and datestyle: the same
-- payload gives the same result in every session. row_security and standard_conforming_strings: the database's owner
-- can turn them off for every session. Then row security would refuse the queries, and the patterns of field() would
-- mean something else. Not for the application.
CREATE OR REPLACE FUNCTION event_store.apply_events(
    projection_name text,
    target_schema   text,
    event_types     text[],
    horizon         xid8,
    max_events      integer,
    budget          interval,
    INOUT transaction_id         xid8,
    INOUT global_position        bigint,
    OUT event_id                 uuid,
    OUT created_at               timestamptz,
    OUT passed                   integer,
    OUT applied                  integer,
    OUT failed_event_id          uuid,
    OUT failed_global_position   bigint,
    OUT error_sqlstate           text,
    OUT error_message            text
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms'
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET row_security = on
SET standard_conforming_strings = on
AS $$
#variable_conflict use_column
DECLARE
    -- state: 0 = no time left, 1 = not for this projection, 2 = applied.
    read_and_apply constant text := format($statement$
        SELECT e.transaction_id, e.global_position, e.event_id, e.created_at,
               CASE WHEN pg_catalog.clock_timestamp() >= $7 THEN 0
                    WHEN e.event_type::text = ANY ($5) AND e.event_id <> ALL ($6)
                    THEN CASE WHEN projections.%I(e) IS NULL THEN 2 ELSE 2 END
                    ELSE 1 END AS state
          FROM event_store.events e
         WHERE (e.transaction_id, e.global_position) > ($1, $2) AND e.transaction_id < $3
         ORDER BY e.transaction_id, e.global_position
         LIMIT $4
        $statement$, 'apply_' || apply_events.projection_name);
    skipped   uuid[];
    size      integer := apply_events.max_events;
    is_hunt   boolean := false;
    out_of_time boolean;
    event     record;
    last      record;
    count     integer;
    done      integer;
BEGIN
    SELECT coalesce(array_agg(s.event_id), '{}') INTO skipped
      FROM event_store.projection_skips s
     WHERE s.projection_name = apply_events.projection_name::varchar AND s.revoked_at IS NULL;
    PERFORM set_config('event_store.projecting', 'on', true);
    PERFORM set_config('search_path', format('%I, pg_temp', apply_events.target_schema), true);
    apply_events.passed := 0;
    apply_events.applied := 0;
    LOOP
        count := 0;
        done := 0;
        out_of_time := false;
        BEGIN
            FOR event IN EXECUTE read_and_apply
                USING apply_events.transaction_id, apply_events.global_position, apply_events.horizon,
                      least(size, apply_events.max_events - apply_events.passed), apply_events.event_types, skipped,
                      clock_timestamp() + apply_events.budget
            LOOP
                IF event.state = 0 THEN
                    out_of_time := true;
                ELSIF out_of_time THEN
                    -- An event was left out because the time was up, but a later one was applied.
                    RAISE EXCEPTION 'the clock was set back' USING ERRCODE = 'serialization_failure';
                ELSE
                    last := event;
                    count := count + 1;
                    done := done + event.state - 1;
                END IF;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            apply_events.error_sqlstate := SQLSTATE;
            apply_events.error_message := SQLERRM;
            -- Not the event's fault: a conflict, a shortage of resources, a lock, an operator's intervention, a system
            -- error.
            EXIT WHEN SQLSTATE ~ '^(40|53|57|58)' OR SQLSTATE = '55P03';
            IF size = 1 THEN
                SELECT e.event_id, e.global_position
                  INTO apply_events.failed_event_id, apply_events.failed_global_position
                  FROM event_store.events e
                 WHERE (e.transaction_id, e.global_position)
                       > (apply_events.transaction_id, apply_events.global_position)
                   AND e.transaction_id < apply_events.horizon
                 ORDER BY e.transaction_id, e.global_position
                 LIMIT 1;
                EXIT;
            END IF;
            is_hunt := true;
            size := greatest(least(size, 1024) / 2, 1);
            CONTINUE;
        END;
        apply_events.error_sqlstate := NULL;
        apply_events.error_message := NULL;
        IF count > 0 THEN
            apply_events.passed := apply_events.passed + count;
            apply_events.applied := apply_events.applied + done;
            apply_events.transaction_id := last.transaction_id;
            apply_events.global_position := last.global_position;
            apply_events.event_id := last.event_id;
            apply_events.created_at := last.created_at;
        END IF;
        -- At size 1 the next event is the one that fails, or nothing fails any more: the next call finds out.
        EXIT WHEN NOT is_hunt OR count < size OR size = 1;
    END LOOP;
    PERFORM set_config('event_store.projecting', 'off', true);
END
$$;
