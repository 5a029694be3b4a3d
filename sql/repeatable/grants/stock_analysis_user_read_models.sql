-- The application reads the rows of the user that it has named with set_user().
GRANT SELECT ON projections.users, projections.accounts, projections.journal, projections.user_preferences
TO stock_analysis_user;
GRANT EXECUTE ON FUNCTION event_store.set_user, event_store.current_user_id, event_store.find_user
TO stock_analysis_user;
-- Why an event is in no row: the field, never its value.
GRANT SELECT ON event_store.unapplied_events TO stock_analysis_user;
