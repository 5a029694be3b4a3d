-- Brings the materialized views up to date without blocking their readers. In `public`, where it is documented.
CREATE OR REPLACE FUNCTION public.refresh_materialized_views() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY projections.portfolio_positions;
END
$$;
