-- What the application may call to read events and to keep snapshots.
GRANT EXECUTE ON FUNCTION
    event_store.get_events_backward,
    event_store.get_events_by_type_backward,
    event_store.get_events_in_time_range_backward,
    event_store.get_events_by_correlation,
    event_store.get_events_by_causation,
    event_store.get_events_by_category,
    event_store.get_events_by_category_backward,
    event_store.get_version_at,
    event_store.save_snapshot,
    event_store.get_latest_snapshot,
    event_store.get_snapshot_at,
    event_store.load_aggregate
TO stock_analysis_user;
