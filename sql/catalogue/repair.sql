-- Removes every difference, or none. It determines the differences again, under the lock, because another run may have
-- been here since the report. It works in passes, because recreating an object drops its indexes and grants.
SET LOCAL search_path = pg_catalog;
SET LOCAL jit = off;
SET LOCAL quote_all_identifiers = off;
SET LOCAL client_min_messages = warning;
SET LOCAL check_function_bodies = off;
DO $repair$
DECLARE
    differences integer;
    lost        text;
    remaining   text;
    statements  text[];
    statement   text;
BEGIN
    PERFORM set_config('lock_timeout', '1min', true);
    PERFORM pg_advisory_xact_lock(/* lock */);
    PERFORM set_config('lock_timeout', '/* lock_timeout */', true);
    FOR pass IN 1..6 LOOP
        WITH drift AS MATERIALIZED (
/* drift.sql */
        )
        SELECT (SELECT count(*) FROM drift),
               (SELECT string_agg(format('%s %s: %s', kind, identity, difference), E'\n') FROM drift
                 WHERE NOT repairable AND NOT implied),
               (SELECT string_agg(format('%s %s: %s', kind, identity, difference), E'\n') FROM drift),
               (SELECT array_agg(s.statement ORDER BY s.phase, s.phase * rank, s.phase * place, kind, identity)
                  FROM drift, LATERAL (VALUES (-1, drop_statement), (1, create_statement)) AS s (phase, statement)
                 WHERE s.statement <> '')
          INTO differences, lost, remaining, statements;
        IF differences = 0 THEN
            -- When the schema was changed last: connections that are older may have prepared what gives other results now.
            UPDATE deployment.reference SET built_at = clock_timestamp()
             WHERE pass > 1 AND reference_key = /* reference key */;
            RETURN;
        END IF;
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION E'not repaired, because rows would be lost or have been lost:\n%', lost;
        END IF;
        EXIT WHEN statements IS NULL;
        FOREACH statement IN ARRAY statements LOOP
            EXECUTE statement;
        END LOOP;
    END LOOP;
    RAISE EXCEPTION E'still different after the repair:\n%', remaining;
END
$repair$;
