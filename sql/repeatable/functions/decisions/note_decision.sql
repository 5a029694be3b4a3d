-- Notes the number of a decision that is about to end, for transactions that have their number already and append again: see
-- later_feed_number(). Of several at once the highest one stays: nobody else is between reading and setting it, and the
-- exception lets go of the lock at once. What a sequence was set to is not taken back with it.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both.
CREATE OR REPLACE FUNCTION event_store.note_decision(number xid8) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(event_store.tag_lock(''));
    PERFORM setval('event_store.last_decision', number::text::bigint)
       FROM event_store.last_decision d
      WHERE d.last_value < number::text::bigint;
    RAISE object_in_use;
EXCEPTION WHEN object_in_use THEN
    NULL;
END
$$;
