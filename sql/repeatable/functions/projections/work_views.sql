-- The worker calls this again and again. It refreshes the materialized views whose tables have changed, and returns how
-- many. A view that another worker is refreshing is passed over.
--
-- A refresh compares all rows, so it must not be all that the server does. Before the next one, twice the time has to
-- pass that the last one took, up to a second, and twenty times what it took beyond: such a view is not fresh anyway, and
-- the tables below it have to be. An hour at most, and a time in the future does not count: the clock may have been set
-- meanwhile.
CREATE OR REPLACE FUNCTION event_store.work_views() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    stale     record;
    refreshed integer := 0;
BEGIN
    FOR stale IN
        SELECT view_name, p.projection_name, v.view_name IS NULL AS is_new
          FROM projections.registry() r
          JOIN event_store.projections p ON p.projection_name = r.projection_name::varchar
         CROSS JOIN unnest(r.views) AS view_name
          LEFT JOIN event_store.view_refreshes v USING (view_name)
          JOIN pg_class c ON c.oid = to_regclass(format('projections.%I', view_name))
         WHERE NOT c.relispopulated
            OR v.view_name IS NULL
            OR (v.revision <> p.revision AND clock_timestamp() NOT BETWEEN v.refreshed_at AND v.refreshed_at
                + least(v.duration * 2 + greatest(v.duration - '1 second', '0') * 18, '1 hour'))
    LOOP
        IF stale.is_new THEN
            INSERT INTO event_store.view_refreshes (view_name) VALUES (stale.view_name) ON CONFLICT DO NOTHING;
        END IF;
        PERFORM FROM event_store.view_refreshes v WHERE v.view_name = stale.view_name FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        PERFORM event_store.refresh_view(stale.view_name, stale.projection_name);
        refreshed := refreshed + 1;
    END LOOP;
    RETURN refreshed;
END
$$;
