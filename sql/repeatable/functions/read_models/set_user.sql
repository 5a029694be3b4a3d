-- Says whose rows of the read models the session is to see: until the end of the transaction, so that a connection that goes
-- back to a pool serves nobody; or for the session, where the caller says so. NULL = nobody's.
CREATE OR REPLACE FUNCTION event_store.set_user(user_id uuid, for_session boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_catalog.set_config('event_store.user_id', coalesce(user_id::text, ''), NOT for_session);
END
$$;
