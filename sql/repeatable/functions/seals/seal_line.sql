-- The canonical form of a seal: one line of JSON with everything but its hash, which is the SHA-256 of this line. The
-- root covers the leaves. Never change it, for the same reason as event_line().
CREATE OR REPLACE FUNCTION event_store.seal_line(seal event_store.seals) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT json_build_object(
        'seal', seal.seal,
        'after_transaction_id', seal.after_transaction_id,
        'after_position', seal.after_position,
        'last_transaction_id', seal.last_transaction_id,
        'last_position', seal.last_position,
        'event_count', seal.event_count,
        'sealed_at', seal.sealed_at AT TIME ZONE 'UTC',
        'root', encode(seal.root, 'hex'),
        'previous_hash', encode(seal.previous_hash, 'hex'))::text
$$;
