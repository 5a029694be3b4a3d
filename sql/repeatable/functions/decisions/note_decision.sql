-- Notes the number of a decision that is about to end, for transactions that have their number already and append again: see
-- later_feed_number(). Of several at once the highest one stays: nobody else is between reading and setting it, and the
-- exception lets go of the lock at once. What a sequence was set to is not taken back with it.
--
-- Every session can take this lock, and keep it. Then decisions fail after a moment; otherwise they would wait, and with
-- them the feed, which waits for whoever has a number.
--
-- Not for the application. It has neither SET nor SECURITY DEFINER, because its caller has both. 55P03 somebody keeps the
-- lock.
CREATE OR REPLACE FUNCTION event_store.note_decision(number xid8) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM event_store.await_decision_lock(event_store.tag_lock(''), true, event_store.decision_deadline());
    PERFORM setval('event_store.last_decision', number::text::bigint)
       FROM event_store.last_decision d
      WHERE d.last_value < number::text::bigint;
    RAISE object_in_use;
EXCEPTION WHEN object_in_use THEN
    NULL;
END
$$;
