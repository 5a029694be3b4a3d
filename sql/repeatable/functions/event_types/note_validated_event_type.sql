-- Called by the trigger on event_types. From then on, appends look there to see how the payloads of this type are
-- validated. They still do after the validation is turned off again: if that were written here too, two sessions that
-- change two types at once would have to wait for each other.
CREATE OR REPLACE FUNCTION event_store.note_validated_event_type() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE event_store.settings s
       SET validated_event_types = ARRAY(SELECT unnest(s.validated_event_types || new.event_type::text) ORDER BY 1)
     WHERE new.event_type::text <> ALL (s.validated_event_types);
    RETURN NULL;
END
$$;
