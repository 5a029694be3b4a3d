-- The number that the events of an append have in the feed. Never below last_number, the number of the aggregate's last
-- event: otherwise the feed could have the versions in the wrong order. docs/feed.md has the whole argument.
--
-- A transaction without an id publishes a lower bound of the id that it is about to get, gets the id, and has it as its
-- number, plus an offset if the store was restored from another cluster. It is the other way round for nobody: a reader
-- that knows of an id knows of the bound. Everything else, a transaction that has an id already, and a bound whose lock
-- somebody else holds exclusively, is left to later_feed_number().
--
-- The planner inlines this function. The casts are there because xid8 has no arithmetic of its own.
CREATE OR REPLACE FUNCTION event_store.feed_number(feed_offset bigint, last_number xid8 DEFAULT NULL) RETURNS xid8
LANGUAGE sql VOLATILE
AS $$
    SELECT CASE
           WHEN pg_current_xact_id_if_assigned() IS NULL
                AND pg_try_advisory_xact_lock_shared(
                        event_store.bound_class(),
                        event_store.bound_key(pg_snapshot_xmax(pg_current_snapshot())::text::bigint))
           THEN greatest(CASE WHEN feed_offset = 0 THEN pg_current_xact_id()
                              ELSE (pg_current_xact_id()::text::bigint + feed_offset)::text::xid8 END, last_number)
           ELSE event_store.later_feed_number(feed_offset, last_number) END
$$;
