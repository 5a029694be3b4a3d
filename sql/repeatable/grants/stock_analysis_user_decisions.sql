-- What the application may call for decisions that span aggregates. The tags are readable for queries of its own.
GRANT SELECT ON event_store.event_tags TO stock_analysis_user;
GRANT EXECUTE ON FUNCTION
    event_store.read_events,
    event_store.append_if
TO stock_analysis_user;
