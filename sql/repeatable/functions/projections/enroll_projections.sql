-- Adds a row to event_store.projections for each projection of the registry that has none. If two sessions call it at
-- once, each row is added only once.
--
-- If the tables of such a projection contain rows nevertheless, or nobody can say, its checkpoint was lost. The
-- projection stands still, readable, until it is rebuilt; its definition_version of 0 makes the worker rebuild it.
--
-- Not for the application. It does not have SECURITY DEFINER, because its callers have it.
CREATE OR REPLACE FUNCTION event_store.enroll_projections() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '250ms'
-- Overrides what the database's owner may have set for every session: see apply_events().
SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
    definition record;
    table_name text;
    has_rows   boolean;
    error_code text;
    message    text;
BEGIN
    PERFORM set_config('event_store.projecting', 'on', true);
    FOR definition IN
        SELECT r.projection_name, r.definition_version, r.tables
          FROM projections.registry() r
         WHERE NOT EXISTS (SELECT FROM event_store.projections p WHERE p.projection_name = r.projection_name::varchar)
    LOOP
        has_rows := false;
        error_code := 'SE013';
        message := 'the checkpoint is lost: the rows stay as they are until they are rebuilt';
        BEGIN
            FOREACH table_name IN ARRAY definition.tables LOOP
                CONTINUE WHEN has_rows OR to_regclass(format('projections.%I', table_name)) IS NULL;
                EXECUTE format('SELECT EXISTS (SELECT FROM projections.%I)', table_name) INTO has_rows;
            END LOOP;
        EXCEPTION
            WHEN lock_not_available THEN
                -- Its turn comes with the next call.
                CONTINUE;
            WHEN OTHERS THEN
                -- The others must not stand still with it.
                has_rows := true;
                error_code := SQLSTATE;
                message := SQLERRM;
        END;
        INSERT INTO event_store.projections (projection_name, definition_version, status, error_sqlstate, error_message)
        SELECT definition.projection_name, definition.definition_version, 'active', NULL, NULL WHERE NOT has_rows
        UNION ALL
        SELECT definition.projection_name, 0, 'failed', error_code, message WHERE has_rows
        ON CONFLICT DO NOTHING;
    END LOOP;
    PERFORM set_config('event_store.projecting', 'off', true);
END
$$;
