-- Whether a snapshot tells that an event was visible in it, by the event's number without the offset and the lower 32 bits
-- of the id that has inserted it. False also where the snapshot alone cannot tell: a marker lists those events.
--
-- The number is the id of the transaction if that has inserted the event as well. Otherwise the number is that of another
-- transaction or of a subtransaction, or the event was inserted in a savepoint; of neither does a snapshot know anything,
-- unless it is below xmin. Not for the application.
CREATE OR REPLACE FUNCTION event_store.was_visible(number bigint, inserted_by bigint, snapshot pg_snapshot) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN number < pg_snapshot_xmin(snapshot)::text::bigint THEN true
                WHEN number & 4294967295 = inserted_by THEN pg_visible_in_snapshot(number::text::xid8, snapshot)
                ELSE false END
$$;
