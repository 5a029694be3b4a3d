-- The version that an aggregate had at a moment, events of exactly that time included; 0 = it did not exist yet.
--
-- A moment of whole milliseconds stands for that millisecond: many drivers cut off the rest of the times that the store
-- gives out, and an event has to be there at its own time.
--
-- Within an aggregate a later version never has an earlier time, so the version is found by bisection, in twenty probes
-- of the index for a million events. Versions that have left the store are earlier than those that are there.
--
-- In a store that is older than this rule, times may go back where the clock was set back. The version is then the last
-- one that is not later than the moment: after the bisection, hundred versions are looked at for one.
CREATE OR REPLACE FUNCTION event_store.get_version_at(aggregate_type text, aggregate_id uuid, at_time timestamptz)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment  constant timestamptz := at_time + CASE WHEN at_time = date_trunc('milliseconds', at_time)
                                                   THEN interval '999 microseconds' ELSE interval '0' END;
    lowest  integer := 0;
    highest integer;
    middle  integer;
    later   integer;
BEGIN
    SELECT e.event_version INTO highest
      FROM event_store.events e
     WHERE e.aggregate_type = get_version_at.aggregate_type::varchar AND e.aggregate_id = get_version_at.aggregate_id
     ORDER BY e.event_version DESC
     LIMIT 1;

    WHILE lowest < highest LOOP
        middle := highest - (highest - lowest) / 2;
        IF NOT EXISTS (
            SELECT FROM event_store.events e
             WHERE e.aggregate_type = get_version_at.aggregate_type::varchar
               AND e.aggregate_id = get_version_at.aggregate_id
               AND e.event_version = middle
               AND e.created_at > moment)
        THEN
            lowest := middle;
        ELSE
            highest := middle - 1;
        END IF;
    END LOOP;

    LOOP
        SELECT max(e.event_version) INTO later
          FROM event_store.events e
         WHERE e.aggregate_type = get_version_at.aggregate_type::varchar
           AND e.aggregate_id = get_version_at.aggregate_id
           AND e.event_version > lowest AND e.event_version <= lowest + 100
           AND e.created_at <= moment;
        EXIT WHEN later IS NULL;
        lowest := later;
    END LOOP;
    RETURN lowest;
END
$$;
