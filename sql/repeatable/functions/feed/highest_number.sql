-- The highest number of the feed that anybody may have seen. 0 if there is none. Not for the application.
CREATE OR REPLACE FUNCTION event_store.highest_number() RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT p.transaction_id::text::bigint FROM event_store.last_place() p);
END
$$;
