-- What the application may do with the feed and with subscriptions. Some functions are only called through others:
-- their files say so.
GRANT SELECT ON event_store.subscriptions, event_store.subscription_partitions, event_store.forks TO stock_analysis_user;
GRANT EXECUTE ON FUNCTION
    event_store.read_feed,
    event_store.read_feed_after,
    event_store.cursor_of,
    event_store.cursor_at,
    event_store.place_of,
    event_store.scan_feed,
    event_store.feed_horizon,
    event_store.feed_end,
    event_store.feed_lag,
    event_store.feed_blockers,
    event_store.check_place,
    event_store.current_fork,
    event_store.partition_of,
    event_store.create_subscription,
    event_store.drop_subscription,
    event_store.reset_subscription,
    event_store.is_work_waiting,
    event_store.claim_partition,
    event_store.read_partition,
    event_store.acknowledge,
    event_store.release_partition,
    event_store.subscription_lag
TO stock_analysis_user;
