-- A row in event_store.projections for each projection of the registry that has none. Two at once do it once.
--
-- One whose tables hold rows all the same has lost its checkpoint: it stands still, readable, until it is rebuilt; its
-- definition_version of 0 has the worker do that. Not for the application; without SECURITY DEFINER, because its callers
-- have it.
CREATE OR REPLACE FUNCTION event_store.enroll_projections() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    definition record;
    table_name text;
    has_rows   boolean;
BEGIN
    PERFORM set_config('event_store.projecting', 'on', true);
    FOR definition IN
        SELECT r.projection_name, r.definition_version, r.tables
          FROM projections.registry() r
         WHERE NOT EXISTS (SELECT FROM event_store.projections p WHERE p.projection_name = r.projection_name::varchar)
    LOOP
        INSERT INTO event_store.projections (projection_name, definition_version)
        VALUES (definition.projection_name, definition.definition_version)
        ON CONFLICT DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        FOREACH table_name IN ARRAY definition.tables LOOP
            CONTINUE WHEN to_regclass(format('projections.%I', table_name)) IS NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM projections.%I)', table_name) INTO has_rows;
            IF has_rows THEN
                UPDATE event_store.projections p
                   SET status = 'failed', definition_version = 0, error_sqlstate = 'SE013',
                       error_message = 'the checkpoint is lost: the rows stay as they are until they are rebuilt'
                 WHERE p.projection_name = definition.projection_name::varchar;
                EXIT;
            END IF;
        END LOOP;
    END LOOP;
    PERFORM set_config('event_store.projecting', 'off', true);
END
$$;
