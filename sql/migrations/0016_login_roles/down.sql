-- Takes back up.sql: what is stored from now on names the login role.
--
-- loses nothing
ALTER TABLE event_store.events ALTER COLUMN created_by SET DEFAULT SESSION_USER;
ALTER TABLE event_store.commands ALTER COLUMN created_by SET DEFAULT SESSION_USER;
ALTER TABLE event_store.subscriptions ALTER COLUMN created_by SET DEFAULT SESSION_USER;
ALTER TABLE event_store.projection_skips ALTER COLUMN skipped_by SET DEFAULT SESSION_USER;
ALTER TABLE event_store.retirements ALTER COLUMN retired_by SET DEFAULT SESSION_USER;
ALTER TABLE event_store.erasures ALTER COLUMN erased_by SET DEFAULT SESSION_USER;
ALTER TABLE event_store.forks ALTER COLUMN recorded_by SET DEFAULT SESSION_USER;
