-- The data that protect() has wrapped; NULL if the subject was erased.
--
-- SE002 the envelope is malformed, was changed, or its subject has no key in this store. A missing key is not treated
-- as an erased one: otherwise a data loss would pass for an erasure, and nobody would notice.
CREATE OR REPLACE FUNCTION event_store.open_envelope(envelope jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    subject    uuid;
    iv         bytea;
    ciphertext bytea;
    tag        bytea;
    found_key  record;
    problem    text := 'it is malformed';
BEGIN
    IF envelope ->> 'subject' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
       AND envelope ->> 'iv' ~ '^[A-Za-z0-9+/]{22}==$'
       AND envelope ->> 'tag' ~ '^[A-Za-z0-9+/]{43}=$'
       AND envelope ->> 'ciphertext' ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
    THEN
        subject := envelope ->> 'subject';
        iv := decode(envelope ->> 'iv', 'base64');
        ciphertext := decode(envelope ->> 'ciphertext', 'base64');
        tag := decode(envelope ->> 'tag', 'base64');
        -- The tag is checked first: nothing is decrypted that was not encrypted with this key. The key stays inside the
        -- statement, as in protect().
        SELECT k.key IS NULL AS is_erased,
               CASE WHEN event_store.envelope_tag(k.key, k.subject_id, iv, ciphertext) = tag
                    THEN convert_from(extensions.decrypt_iv(ciphertext, substring(k.key FROM 33), iv, 'aes-cbc/pad:pkcs'),
                                      'UTF8')::jsonb END AS value
          INTO found_key
          FROM event_store.subject_keys k
         WHERE k.subject_id = subject;
        IF found_key.is_erased OR found_key.value IS NOT NULL THEN
            RETURN found_key.value;
        END IF;
        problem := CASE WHEN FOUND THEN 'it is not what the key of its subject has wrapped'
                        ELSE 'its subject has no key in this store' END;
    END IF;
    RAISE EXCEPTION 'an envelope cannot be opened: %', problem
        USING ERRCODE = 'SE002',
              DETAIL = format('subject %s', envelope ->> 'subject'),
              HINT = 'Store what event_store.protect() returned, unchanged, in the same store, and in the same transaction or '
                  || 'after its commit. A projection that has stopped here goes on after event_store.skip_event().';
END
$$;
