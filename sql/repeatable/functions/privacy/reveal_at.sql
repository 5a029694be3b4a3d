-- The part of a document at a JSON pointer, with the envelopes in it opened, and the pointers to those that were
-- erased.
CREATE OR REPLACE FUNCTION event_store.reveal_at(data jsonb, pointer text, OUT value jsonb, OUT erased text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part   record;
    opened record;
BEGIN
    erased := '{}';
    IF (data @? '$.**."$protected"') IS NOT TRUE THEN
        value := data;
    ELSIF jsonb_typeof(data) = 'array' THEN
        value := '[]';
        FOR part IN SELECT i.item, i.place - 1 AS place FROM jsonb_array_elements(data) WITH ORDINALITY AS i (item, place) LOOP
            SELECT * INTO opened FROM event_store.reveal_at(part.item, pointer || '/' || part.place);
            value := value || jsonb_build_array(opened.value);
            erased := erased || opened.erased;
        END LOOP;
    ELSIF data - '$protected' = '{}' THEN
        value := event_store.open_envelope(data -> '$protected');
        IF value IS NULL THEN
            value := 'null';
            erased := ARRAY[pointer];
        END IF;
    ELSE
        value := '{}';
        FOR part IN SELECT m.key, m.value AS item FROM jsonb_each(data) m LOOP
            SELECT * INTO opened
              FROM event_store.reveal_at(part.item, pointer || '/' || replace(replace(part.key, '~', '~0'), '/', '~1'));
            value := value || jsonb_build_object(part.key, opened.value);
            erased := erased || opened.erased;
        END LOOP;
    END IF;
END
$$;
