-- The preferences of users. Aggregate: UserPreferences; its id is the user's id.
--
--   UserPreferencesSet      preferences: an object; each of its keys is set, the others stay; at most 255 characters each
--   UserPreferencesRemoved  keys: an array of texts
--   UserErased, PersonalDataErased: all preferences of the user are removed here
--
-- A single value may be personal, and so may the whole object, the keys or the whole payload: see apply_users. An
-- erased value is not kept, and an erased key removes nothing.
CREATE OR REPLACE FUNCTION projections.apply_user_preferences(event event_store.events) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    data jsonb;
BEGIN
    IF (event.event_type, event.aggregate_type) IN (('PersonalDataErased', 'Subject'), ('UserErased', 'User')) THEN
        DELETE FROM user_preferences WHERE user_id = event.aggregate_id;
        RETURN;
    ELSIF event.aggregate_type <> 'UserPreferences' THEN
        RETURN;
    END IF;
    data := projections.payload('user_preferences', event);
    IF data IS NULL
       OR projections.is_erased(data, CASE event.event_type WHEN 'UserPreferencesSet' THEN 'preferences' ELSE 'keys' END)
    THEN
        RETURN;
    ELSIF event.event_type = 'UserPreferencesSet' THEN
        INSERT INTO user_preferences AS p (user_id, key, value, version, updated_at)
        SELECT event.aggregate_id, s.key, s.value, event.event_version, event.created_at
          FROM jsonb_each(data -> 'preferences') s
         WHERE NOT projections.is_erased(data, 'preferences/' || replace(replace(s.key, '~', '~0'), '/', '~1'))
        ON CONFLICT (user_id, key) DO UPDATE
        SET value = excluded.value, version = excluded.version, updated_at = excluded.updated_at;
    ELSE
        DELETE FROM user_preferences p WHERE p.user_id = event.aggregate_id AND data -> 'keys' ? p.key;
    END IF;
END
$$;
