-- The id of a new subtransaction, which ends here and becomes part of the transaction `own`. It has an id only because it
-- writes, and nothing tells its id but the row that it has written.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.new_subtransaction(own bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    written record;
BEGIN
    -- A block that catches something is a subtransaction.
    BEGIN
        INSERT INTO event_store.subtransactions DEFAULT VALUES RETURNING xmin, ctid INTO written;
        DELETE FROM event_store.subtransactions s WHERE s.ctid = written.ctid;
    EXCEPTION WHEN case_not_found THEN
        RAISE;
    END;
    -- The row has the lower 32 bits. A subtransaction's id is above its transaction's, and less than 2^31 away.
    RETURN own + ((written.xmin::text::bigint - own) & 4294967295);
END
$$;
