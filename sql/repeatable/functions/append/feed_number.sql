-- The number that the events of this transaction have in the feed: the transaction's id, plus an offset if the store
-- was restored from another cluster. The casts are there because xid8 has no arithmetic of its own. The planner inlines
-- this function.
CREATE OR REPLACE FUNCTION event_store.feed_number(feed_offset bigint) RETURNS xid8
LANGUAGE sql VOLATILE
AS $$
    SELECT CASE WHEN feed_offset = 0 THEN pg_current_xact_id()
                ELSE (pg_current_xact_id()::text::bigint + feed_offset)::text::xid8 END
$$;
