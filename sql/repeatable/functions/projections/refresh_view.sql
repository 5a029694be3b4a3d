-- Brings one materialized view of a projection up to date without blocking its readers, and records the revision that
-- it now shows. The refresh costs the more, the more rows the view has.
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.refresh_view(view_name text, projection_name text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    started constant timestamptz := clock_timestamp();
    -- Read before the refresh, so that what is committed in between causes another refresh.
    seen    constant bigint := (SELECT p.revision FROM event_store.projections p
                                  WHERE p.projection_name = refresh_view.projection_name::varchar);
BEGIN
    -- A view without contents cannot be refreshed CONCURRENTLY. It cannot be read either, so there is nobody to block.
    EXECUTE format('REFRESH MATERIALIZED VIEW %s projections.%I',
                   CASE WHEN (SELECT c.relispopulated FROM pg_class c
                               WHERE c.oid = format('projections.%I', refresh_view.view_name)::regclass)
                        THEN 'CONCURRENTLY' ELSE '' END,
                   refresh_view.view_name);
    UPDATE event_store.view_refreshes v
       SET revision = seen, refreshed_at = clock_timestamp(), duration = greatest(clock_timestamp() - started, '0')
     WHERE v.view_name = refresh_view.view_name;
END
$$;
