-- The authentication tag of RFC 7518, 5.2.2.1, with the subject's id as the additional authenticated data. It is one
-- SQL expression, and STABLE like convert_to(), so that the planner inlines it. The key is then never the parameter of
-- a separate statement.
CREATE OR REPLACE FUNCTION event_store.envelope_tag(key bytea, subject_id uuid, iv bytea, ciphertext bytea) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    -- The 36 characters of the id are 288 bits.
    SELECT substring(extensions.hmac(convert_to(subject_id::text, 'UTF8') || iv || ciphertext || int8send(288),
                                     substring(key FOR 32), 'sha512') FOR 32)
$$;
