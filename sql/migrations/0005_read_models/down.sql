-- Takes back up.sql. Nothing is lost that the events do not hold.
--
-- rebuilds projections.users
-- rebuilds projections.accounts
-- rebuilds projections.journal
-- rebuilds projections.user_preferences

DROP TABLE projections.user_preferences, projections.journal, projections.accounts, projections.users CASCADE;
DROP TABLE IF EXISTS projections_rebuild.user_preferences, projections_rebuild.journal, projections_rebuild.accounts,
    projections_rebuild.users;
DELETE FROM event_store.projection_rebuilds
 WHERE projection_name IN ('users', 'accounts', 'journal', 'user_preferences');
DELETE FROM event_store.projections WHERE projection_name IN ('users', 'accounts', 'journal', 'user_preferences');
