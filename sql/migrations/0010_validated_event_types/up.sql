-- validated_event_types has each event type that was ever validated: it spares the appends of all others the look into
-- event_types.
LOCK TABLE event_store.settings IN ACCESS EXCLUSIVE MODE;
LOCK TABLE event_store.event_types IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE event_store.settings ADD COLUMN validated_event_types text[] NOT NULL DEFAULT '{}';
UPDATE event_store.settings
   SET validated_event_types = ARRAY(SELECT DISTINCT t.event_type::text FROM event_store.event_types t
                                      WHERE t.validation <> 'off' ORDER BY 1);

-- As in sql/repeatable, which comes a moment later: nobody registers a type in between that is not noted.
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
CREATE TRIGGER event_types_noted
    AFTER INSERT OR UPDATE ON event_store.event_types
    FOR EACH ROW
    WHEN (new.validation <> 'off')
    EXECUTE FUNCTION event_store.note_validated_event_type();
ALTER TABLE event_store.event_types ENABLE ALWAYS TRIGGER event_types_noted;
