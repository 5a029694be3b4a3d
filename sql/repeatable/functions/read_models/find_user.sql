-- The users with an e-mail address, in upper or lower case: their ids and the ids of their credentials. For whoever
-- logs somebody in and cannot know yet whose rows to read. It is the application's way past row security, so it returns
-- nothing else.
--
-- It goes by the stored key. A condition on lower(email) alone could not use an index under row security: see migration
-- email_key.
CREATE OR REPLACE FUNCTION event_store.find_user(email text)
RETURNS TABLE (user_id uuid, credential_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('event_store.projecting', 'on', true);
    RETURN QUERY
    SELECT u.user_id, u.credential_id
      FROM projections.users u
     WHERE u.email_key = left(lower(find_user.email), 320) AND lower(u.email) = lower(find_user.email)
     ORDER BY u.registered_at, u.user_id;
    PERFORM set_config('event_store.projecting', 'off', true);
END
$$;
