-- The readers of the feed wait for appends only. docs/feed.md says how, and why nothing is skipped.
--
-- bounds_are_complete: whether each transaction that may still append has published a bound of its number. It is false at
-- first where functions of before may be at work; complete_bounds() sets it. In a new store no function is there yet that
-- could append without.
LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
ALTER TABLE event_store.settings ADD COLUMN bounds_are_complete boolean NOT NULL DEFAULT false;
UPDATE event_store.settings
   SET bounds_are_complete = NOT EXISTS (SELECT FROM pg_proc p
                                          WHERE p.pronamespace = 'event_store'::regnamespace AND p.proname = 'feed_number');

-- Whoever inserts a row here gets an id for a subtransaction, which is all it is for: the row is deleted at once.
CREATE UNLOGGED TABLE event_store.subtransactions ();
ALTER TABLE event_store.subtransactions SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
