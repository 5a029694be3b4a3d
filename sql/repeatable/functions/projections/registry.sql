-- Every projection of this project: its name, the events that it is fed with, and the tables that it writes.
--
--   projection_name     the function projections.apply_<projection_name>(event) applies one event to the tables
--   definition_version  raise it if the existing rows would come out differently now (another apply function, more event
--                       types): the worker then rebuilds them by itself, and the old ones stay readable meanwhile
--   event_types         the events that the function is called with
--   tables              its tables in the schema projections, each with a primary key; no other projection writes them
--   views               materialized views over them, which are refreshed when the tables have changed
--
-- To add one, write a migration that creates its tables in `projections` (with row security and grants if needed), one
-- file with its apply function, and one line here. The function names its tables without a schema, because a rebuild
-- calls it with other tables of the same names (the framework sets search_path). It names everything else with its
-- schema, row types too. It is called once for each event, in the feed's order, and its writes are committed together
-- with the checkpoint. An exception stops this projection and no other: see event_store.projections,
-- event_store.resume_projection() and skip_event(). So it is for what a deploy has to repair, and never for what
-- somebody has sent: the function calls projections.leave_out() for an event that it cannot take.
-- Only the project's own projections are listed here. An application keeps its projections in schemas of its own, and
-- feeds them by subscriptions.
CREATE OR REPLACE FUNCTION projections.registry()
RETURNS TABLE (projection_name text, definition_version integer, event_types text[], tables text[], views text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    VALUES
        ('portfolio_positions', 2,
         ARRAY['PositionOpened', 'PositionUpdated', 'PositionClosed'],
         ARRAY['positions'],
         ARRAY['portfolio_positions']),
        ('users', 3,
         ARRAY['UserRegistered', 'UserEmailChanged', 'UserRenamed', 'UserTierChanged', 'UserErased', 'PersonalDataErased'],
         ARRAY['users'], '{}'),
        ('accounts', 3,
         ARRAY['AccountOpened', 'AccountRenamed', 'AccountClosed', 'UserErased', 'PersonalDataErased'],
         ARRAY['accounts'], '{}'),
        ('journal', 3,
         ARRAY['JournalEntryRecorded', 'JournalEntryCorrected', 'JournalEntryDeleted', 'UserErased', 'PersonalDataErased'],
         ARRAY['journal'], '{}'),
        ('user_preferences', 2,
         ARRAY['UserPreferencesSet', 'UserPreferencesRemoved', 'UserErased', 'PersonalDataErased'],
         ARRAY['user_preferences'], '{}')
$$;
