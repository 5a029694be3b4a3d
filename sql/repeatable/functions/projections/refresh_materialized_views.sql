-- Brings the materialized views up to date now, without blocking their readers. It first feeds their projections, with
-- one batch at most, so that what was committed before the call is visible after it. It is in `public`, because that is
-- where it is documented. The worker does the same by itself, a moment later.
CREATE OR REPLACE FUNCTION public.refresh_materialized_views() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    definition record;
    stale      text;
    horizon    xid8;
BEGIN
    PERFORM event_store.enroll_projections();
    FOR definition IN SELECT r.projection_name, r.views FROM projections.registry() r WHERE r.views <> '{}' LOOP
        -- Waits for a worker's batch, which may have begun before the latest events were committed.
        PERFORM FROM event_store.projections p
          WHERE p.projection_name = definition.projection_name::varchar FOR NO KEY UPDATE;
        horizon := event_store.next_horizon();
        PERFORM event_store.advance_rows(definition.projection_name, horizon, 10000, '1 second');
        FOREACH stale IN ARRAY definition.views LOOP
            INSERT INTO event_store.view_refreshes (view_name) VALUES (stale) ON CONFLICT DO NOTHING;
            PERFORM FROM event_store.view_refreshes v WHERE v.view_name = stale FOR UPDATE;
            PERFORM event_store.refresh_view(stale, definition.projection_name);
        END LOOP;
    END LOOP;
END
$$;
