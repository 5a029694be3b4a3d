-- Raises the error for a malformed append or command, and says which part of it is malformed. SE002 malformed.
CREATE OR REPLACE FUNCTION event_store.refuse_malformed(
    aggregate_type text,
    aggregate_id   uuid,
    actor          text,
    actor_type     text,
    source         text,
    command_id     uuid,
    command_type   text,
    part           text
)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RAISE EXCEPTION 'malformed: %', CASE
            WHEN (length(aggregate_type) BETWEEN 1 AND 255) IS NOT TRUE
                THEN 'aggregate_type is not a text of 1 to 255 characters'
            WHEN aggregate_id IS NULL THEN 'aggregate_id is NULL'
            WHEN (length(actor) <= 255) IS NOT TRUE THEN 'actor is not a text of at most 255 characters'
            WHEN (actor_type IN ('user', 'service', 'system')) IS NOT TRUE
                THEN 'actor_type is not user, service or system'
            WHEN (source IN ('ui', 'api', 'import', 'webhook', 'system')) IS NOT TRUE
                THEN 'source is not ui, api, import, webhook or system'
            WHEN length(command_type) NOT BETWEEN 1 AND 255 THEN 'command_type is not a text of 1 to 255 characters'
            WHEN command_id IS NULL AND part IS NULL THEN 'command_type or command_data was passed without command_id'
            ELSE part END
        USING ERRCODE = 'SE002',
              HINT = CASE WHEN part LIKE '%encoded twice?'
                  THEN 'Pass the document itself, or its text without turning that into JSON once more. ' ELSE '' END
                  || 'An event has event_type (text) and event_data (object), and optionally event_id, causation_id, '
                  || 'correlation_id (UUIDs), schema_version (1, 2, ...), metadata (object) and tags (array of texts).';
END
$$;
