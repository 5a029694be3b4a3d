-- Sets whose rows of the read models the session sees. By default this lasts until the end of the transaction, so that
-- a connection that goes back to a pool shows nobody's rows. With for_session it lasts for the session. NULL = nobody's
-- rows.
--
-- SE020 for_session by way of a pooler, which gives the session to somebody else after each transaction. Clients come by
-- TCP. Over the socket come the superuser, the worker, which sets no user, and the pooler. Who has logged in counts, which
-- pg_stat_get_activity() keeps, and not who he has become since.
CREATE OR REPLACE FUNCTION event_store.set_user(user_id uuid, for_session boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF for_session AND pg_catalog.inet_client_addr() IS NULL
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a
                         JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.usesysid
                        WHERE r.rolsuper)
    THEN
        RAISE EXCEPTION 'the user cannot be set for a session behind a pooler'
            USING ERRCODE = 'SE020',
                  DETAIL = 'The pooler gives this session of the server to another client after each transaction.',
                  HINT = 'Set the user in each transaction, without for_session.';
    END IF;
    PERFORM pg_catalog.set_config('event_store.user_id', coalesce(user_id::text, ''), NOT for_session);
END
$$;
