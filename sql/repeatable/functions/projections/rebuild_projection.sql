-- Has a projection built again from the first event, in tables of its own. The old rows stay readable and are still fed
-- until the worker replaces them by the new ones, in one transaction. If it is called again, the rebuild starts again.
--
-- Retired events are no longer there to build from: what only they say would be missing in the new rows. So after a
-- retirement a rebuild is refused, unless the caller passes without_retired.
--
-- SE013 unknown projection, or a table of it is missing or has no primary key; SE015 events have been retired.
CREATE OR REPLACE FUNCTION event_store.rebuild_projection(projection_name text, without_retired boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    definition record;
    table_name text;
BEGIN
    SELECT d.* INTO definition FROM event_store.locked_projection(rebuild_projection.projection_name) d;
    IF rebuild_projection.without_retired IS NOT TRUE AND EXISTS (SELECT FROM event_store.retirements) THEN
        RAISE EXCEPTION 'events that the rows were built from have been retired'
            USING ERRCODE = 'SE015',
                  DETAIL = (SELECT format('%s events, the last ones at %s', sum(r.event_count), max(r.retired_at))
                              FROM event_store.retirements r),
                  HINT = 'Pass without_retired => true to build the rows only from the events that are left.';
    END IF;
    PERFORM event_store.cancel_rebuild(rebuild_projection.projection_name);
    FOREACH table_name IN ARRAY definition.tables LOOP
        IF NOT EXISTS (SELECT FROM pg_constraint k
                        WHERE k.conrelid = to_regclass(format('projections.%I', table_name)) AND k.contype = 'p')
        THEN
            RAISE EXCEPTION 'the table projections.% is missing or has no primary key', table_name
                USING ERRCODE = 'SE013', HINT = 'A migration creates the tables of a projection, each with a primary key.';
        END IF;
        EXECUTE format('CREATE TABLE projections_rebuild.%1$I (LIKE projections.%1$I INCLUDING ALL)', table_name);
    END LOOP;
    INSERT INTO event_store.projection_rebuilds (projection_name, definition_version)
    VALUES (rebuild_projection.projection_name, definition.definition_version);
END
$$;
