-- Shares the locks of some event types until the end of the transaction. append_event(), which has one type, does it by
-- itself.
--
-- It gets all of them at once or none: while it waits for one type, it holds none of the others. Otherwise an append of
-- two types and a transaction that registers the same two could wait for each other, whatever the order.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its callers have both.
CREATE OR REPLACE FUNCTION event_store.share_event_types(event_types text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    keys constant bigint[] := ARRAY(SELECT DISTINCT event_store.event_type_lock(t.name) FROM unnest(event_types) AS t (name));
    busy bigint;
BEGIN
    IF cardinality(keys) = 1 THEN
        PERFORM pg_advisory_xact_lock_shared(keys[1]);
        RETURN;
    END IF;
    LOOP
        -- An exception lets go of the locks that the block has taken, which nothing else does before the transaction ends.
        BEGIN
            SELECT k.key INTO busy FROM unnest(keys) AS k (key) WHERE NOT pg_try_advisory_xact_lock_shared(k.key) LIMIT 1;
            IF NOT FOUND THEN
                RETURN;
            END IF;
            RAISE object_in_use;
        EXCEPTION WHEN object_in_use THEN
            NULL;
        END;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(busy);
            RAISE object_in_use;
        EXCEPTION WHEN object_in_use THEN
            NULL;
        END;
    END LOOP;
END
$$;
