-- Takes back up.sql. The checkpoints go with it; no event does.
--
-- loses event_store.subscriptions
-- loses event_store.subscription_partitions

DROP TABLE event_store.subscription_partitions;
DROP TABLE event_store.subscriptions;
DROP SEQUENCE event_store.subscription_tokens;
