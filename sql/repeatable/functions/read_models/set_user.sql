-- Sets whose rows of the read models the session sees. By default this lasts until the end of the transaction, so that
-- a connection that goes back to a pool shows nobody's rows. With for_session it lasts for the session. NULL = nobody's
-- rows.
CREATE OR REPLACE FUNCTION event_store.set_user(user_id uuid, for_session boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_catalog.set_config('event_store.user_id', coalesce(user_id::text, ''), NOT for_session);
END
$$;
