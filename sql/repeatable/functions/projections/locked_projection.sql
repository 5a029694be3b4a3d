-- The definition and the status of a projection. It locks the projection's row of event_store.projections; every
-- function for operators begins with it. Not for the application. It has neither SET nor SECURITY DEFINER, because its
-- callers have both.
--
-- SE013 unknown projection.
CREATE OR REPLACE FUNCTION event_store.locked_projection(
    projection_name text,
    OUT definition_version integer,
    OUT tables             text[],
    OUT status             text
)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.enroll_projections();
    SELECT r.definition_version, r.tables INTO locked_projection.definition_version, locked_projection.tables
      FROM projections.registry() r
     WHERE r.projection_name = locked_projection.projection_name;
    SELECT p.status INTO locked_projection.status
      FROM event_store.projections p
     WHERE p.projection_name = locked_projection.projection_name::varchar
       FOR NO KEY UPDATE;
    IF locked_projection.tables IS NULL OR locked_projection.status IS NULL THEN
        RAISE EXCEPTION 'there is no projection %', locked_projection.projection_name
            USING ERRCODE = 'SE013',
                  DETAIL = format('known: %s', (SELECT string_agg(r.projection_name, ', ') FROM projections.registry() r)),
                  HINT = 'projections.registry() says how a projection is added.';
    END IF;
END
$$;
