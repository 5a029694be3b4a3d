-- The user whose rows this session sees: the setting event_store.user_id, as set_user() leaves it. NULL if it is not
-- set, empty or not a UUID: then the session sees no rows, but gets no error either. It is one SQL expression, which
-- the policies inline, so that they use the indexes on user_id.
CREATE OR REPLACE FUNCTION event_store.current_user_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN current_setting('event_store.user_id', true)
                     ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
                THEN current_setting('event_store.user_id', true)::uuid END
$$;
