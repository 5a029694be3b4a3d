-- How far the primary of this standby has confirmed the feed: see next_horizon(). NULL if this is no standby, or if the
-- session wants to read what is not confirmed as well (event_store.unconfirmed = on).
--
-- If forks have come right behind the last event that was confirmed, it is the first number of the last one: there is
-- nothing in between, and no place for a page to begin at.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.standby_horizon() RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    confirmed bigint;
BEGIN
    IF NOT pg_is_in_recovery() OR nullif(current_setting('event_store.unconfirmed', true), '')::boolean THEN
        RETURN NULL;
    END IF;
    SELECT c.last_value INTO confirmed FROM event_store.confirmed_horizon c;
    RETURN greatest(confirmed, (SELECT f.first_transaction_id::text::bigint
                                  FROM event_store.forks f
                                 WHERE f.last_transaction_id < confirmed::text::xid8
                                 ORDER BY f.first_transaction_id DESC
                                 LIMIT 1));
END
$$;
