-- Called by the trigger on retired_aggregates. From then on, appends look there for the version of an aggregate that
-- has no events.
CREATE OR REPLACE FUNCTION event_store.note_retired_aggregates() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE event_store.settings s SET has_retired_aggregates = true WHERE NOT s.has_retired_aggregates;
    RETURN NULL;
END
$$;
