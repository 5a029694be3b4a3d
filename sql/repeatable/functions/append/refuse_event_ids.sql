-- Raises the error for events whose ids could not be stored. SE003 an event id is stored already, or is in the append
-- twice.
CREATE OR REPLACE FUNCTION event_store.refuse_event_ids(event_ids uuid[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    twice  uuid;
    stored event_store.events;
BEGIN
    SELECT i.id INTO twice FROM unnest(event_ids) AS i (id) GROUP BY i.id HAVING count(i.id) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'event % is in the append twice', twice
            USING ERRCODE = 'SE003', HINT = 'Give each event an id of its own, or leave event_id out.';
    END IF;
    SELECT * INTO stored
      FROM event_store.events e
     WHERE e.event_id = ANY (event_ids)
     ORDER BY e.global_position
     LIMIT 1;
    RAISE EXCEPTION 'event % is stored already', stored.event_id
        USING ERRCODE = 'SE003',
              DETAIL = format('it is version %s of %s %s', stored.event_version, stored.aggregate_type,
                              stored.aggregate_id),
              HINT = 'It was appended before: read it back instead of appending it again.';
END
$$;
