-- Wraps personal data in an envelope that only the subject's key opens. Store the envelope in an event, in place of the
-- data. reveal() opens it; erase_subject() makes it unreadable for ever. The first call for a subject creates the key.
--
-- AES-256-CBC and HMAC-SHA-512 as in RFC 7518 (A256CBC-HS512: encrypted, then authenticated), with a random IV. The
-- subject's id is the additional authenticated data, so that nobody's envelope passes for somebody else's. PGP is not
-- used: its integrity check is SHA-1 inside the encryption, and binds nothing else.
--
-- Store the envelope in protect()'s own transaction, or after its commit. If the transaction is rolled back, a key that
-- it created is gone. The next call then creates another key, which does not open the envelope.
--
-- Two calls give two different envelopes. So whoever repeats a command sends the first envelope again, or identifies
-- the command's content by command_data. NULL as data is refused; JSON's null is a value like any other.
--
-- SE002 malformed argument; SE014 the subject was erased.
CREATE OR REPLACE FUNCTION event_store.protect(subject_id uuid, data jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    iv       constant bytea := extensions.gen_random_bytes(16);
    envelope jsonb;
BEGIN
    IF protect.subject_id IS NULL OR protect.data IS NULL THEN
        RAISE EXCEPTION 'a subject and data are needed'
            USING ERRCODE = 'SE002', HINT = 'Pass the subject''s uuid, and the data as jsonb.';
    END IF;
    IF NOT EXISTS (SELECT FROM event_store.subject_keys k WHERE k.subject_id = protect.subject_id) THEN
        INSERT INTO event_store.subject_keys (subject_id, key)
        VALUES (protect.subject_id, extensions.gen_random_bytes(64))
        ON CONFLICT DO NOTHING;
    END IF;

    -- The key stays inside this statement: as a variable it would become a parameter, and a server can log parameters.
    SELECT jsonb_build_object('$protected', jsonb_build_object(
               'subject', protect.subject_id,
               'iv', encode(iv, 'base64'),
               'ciphertext', replace(encode(c.ciphertext, 'base64'), chr(10), ''),
               'tag', encode(event_store.envelope_tag(k.key, protect.subject_id, iv, c.ciphertext), 'base64')))
      INTO envelope
      FROM event_store.subject_keys k
     CROSS JOIN LATERAL (SELECT extensions.encrypt_iv(convert_to(protect.data::text, 'UTF8'), substring(k.key FROM 33), iv,
                                                      'aes-cbc/pad:pkcs') AS ciphertext OFFSET 0) c
     WHERE k.subject_id = protect.subject_id AND k.key IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'subject % was erased', protect.subject_id
            USING ERRCODE = 'SE014',
                  DETAIL = format('erased at %s', (SELECT e.erased_at FROM event_store.erasures e
                                                    WHERE e.subject_id = protect.subject_id)),
                  HINT = 'An erased subject never gets a new key. Somebody who comes back is a new subject with a new id.';
    END IF;
    RETURN envelope;
END
$$;
