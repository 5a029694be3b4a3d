-- The authentication tag of RFC 7518, 5.2.2.1, with the subject's id as the additional authenticated data.
-- One SQL expression, and STABLE as convert_to() is: so the planner inlines it, and the key is no parameter of a statement of
-- its own.
CREATE OR REPLACE FUNCTION event_store.envelope_tag(key bytea, subject_id uuid, iv bytea, ciphertext bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    -- 36 characters of the id are 288 bits.
    SELECT substring(extensions.hmac(convert_to(subject_id::text, 'UTF8') || iv || ciphertext || int8send(288),
                                     substring(key FOR 32), 'sha512') FOR 32)
$$;
