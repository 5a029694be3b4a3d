-- What the application may do with projections: read them, and see how far behind they are. Only operators control
-- them.
GRANT SELECT ON projections.positions TO stock_analysis_user;
GRANT EXECUTE ON FUNCTION event_store.projection_lag TO stock_analysis_user;
