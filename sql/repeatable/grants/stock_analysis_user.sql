-- What the application may do: call these functions, and read these tables and the view. The other stock_analysis_user
-- files add to it. Everything is revoked first, so that nothing is left that is not granted in these files. The
-- superuser revokes, because it owns some of the functions.
SET LOCAL ROLE NONE;
REVOKE ALL ON SCHEMA event_store, projections FROM PUBLIC, stock_analysis_user;
REVOKE ALL ON ALL TABLES IN SCHEMA event_store, projections FROM PUBLIC, stock_analysis_user;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA event_store, projections FROM PUBLIC, stock_analysis_user;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA event_store, projections FROM PUBLIC, stock_analysis_user;
REVOKE ALL ON FUNCTION public.refresh_materialized_views() FROM PUBLIC, stock_analysis_user;
SET LOCAL ROLE event_store_owner;

GRANT USAGE ON SCHEMA event_store, projections TO stock_analysis_user;
GRANT SELECT ON
    event_store.events,
    event_store.commands,
    event_store.snapshots,
    event_store.event_types,
    event_store.projections,
    event_store.settings,
    projections.portfolio_positions
TO stock_analysis_user;
GRANT EXECUTE ON FUNCTION
    event_store.append_event,
    event_store.append_events,
    event_store.append_to_aggregates,
    event_store.get_events,
    event_store.get_events_since,
    event_store.get_events_by_type,
    event_store.get_events_in_time_range,
    event_store.check_command_processed,
    event_store.record_command,
    event_store.register_event_type,
    event_store.set_event_type_validation,
    public.refresh_materialized_views
TO stock_analysis_user;
