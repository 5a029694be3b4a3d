-- Seals, retention and privacy: the application may check the seals and see what has left the store. It reaches the
-- subjects' keys only through these functions, and may not call retire_events().
GRANT SELECT ON
    event_store.seals,
    event_store.retirements,
    event_store.retired_aggregates,
    event_store.erasures
TO stock_analysis_user;
GRANT EXECUTE ON FUNCTION
    event_store.verify_seals,
    event_store.export_seals,
    event_store.verify_export,
    event_store.inclusion_proof,
    event_store.verify_inclusion,
    event_store.protect,
    event_store.reveal,
    event_store.erase_subject
TO stock_analysis_user;
