-- The proof that an event is in its seal. It is checked by verify_inclusion(), or by any implementation of RFC 6962,
-- against a root that the checking side has kept. `event` is the event's canonical form, `place` counts from 1. No row
-- if the event does not exist or is not sealed yet.
CREATE OR REPLACE FUNCTION event_store.inclusion_proof(event_id uuid)
RETURNS TABLE (seal bigint, event text, place bigint, event_count integer, path bytea[], root bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    stored  event_store.events;
    sealed  event_store.seals;
    nodes   bytea;
    sibling bigint;
BEGIN
    SELECT * INTO stored FROM event_store.events e WHERE e.event_id = inclusion_proof.event_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO sealed
      FROM event_store.seals s
     WHERE (s.last_transaction_id, s.last_position) >= (stored.transaction_id, stored.global_position)
     ORDER BY s.last_transaction_id, s.last_position
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    seal := sealed.seal;
    event := event_store.event_line(stored);
    event_count := sealed.event_count;
    root := sealed.root;
    path := '{}';
    SELECT count(*) INTO place
      FROM event_store.events e
     WHERE (e.transaction_id, e.global_position) > (sealed.after_transaction_id, sealed.after_position)
       AND (e.transaction_id, e.global_position) <= (stored.transaction_id, stored.global_position);

    nodes := sealed.leaves;
    sibling := place - 1;
    WHILE length(nodes) > 32 LOOP
        sibling := sibling # 1;
        -- An odd last node has no sibling.
        IF sibling * 32 < length(nodes) THEN
            path := path || substring(nodes FROM sibling::integer * 32 + 1 FOR 32);
        END IF;
        sibling := sibling / 2;
        nodes := event_store.merkle_level(nodes);
    END LOOP;
    RETURN NEXT;
END
$$;
