-- The document with every envelope in it opened. An erased value is null in its place. If the document is an object,
-- "$erased" at its top lists these places as JSON pointers (RFC 6901). If the whole document was an envelope and was
-- erased, the result is {"$erased": [""]}, because null alone could not be distinguished from a stored null.
--
-- SE002 an envelope is malformed, was changed, or has a subject without a key in this store.
CREATE OR REPLACE FUNCTION event_store.reveal(data jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    revealed record;
BEGIN
    -- Most documents have no envelope.
    IF (data @? '$.**."$protected"') IS NOT TRUE THEN
        RETURN data;
    END IF;
    SELECT * INTO revealed FROM event_store.reveal_at(data, '');
    IF revealed.erased = ARRAY[''] THEN
        RETURN jsonb_build_object('$erased', revealed.erased);
    ELSIF jsonb_typeof(revealed.value) = 'object' AND revealed.erased <> '{}' THEN
        RETURN revealed.value || jsonb_build_object('$erased', revealed.erased);
    END IF;
    RETURN revealed.value;
END
$$;
