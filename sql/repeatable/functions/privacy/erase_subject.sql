-- Makes the personal data of a subject unreadable in every event, archive and copy of the store. It destroys the key,
-- records that in event_store.erasures, and appends the event PersonalDataErased to the aggregate (Subject,
-- subject_id), so that projections clear their copies. Events and seals stay as they are. true = erased now, false = it
-- was erased before. A subject without a key can be erased as well: it never gets one.
--
-- It cannot reach the key in backups and in archived WAL, until those expire, or in free space on the disk. The
-- application may call it, because the application receives the requests. It can only erase, and not unnoticed.
--
-- SE002 unknown reason.
CREATE OR REPLACE FUNCTION event_store.erase_subject(
    subject_id uuid,
    reason     text DEFAULT 'request',
    actor      text DEFAULT 'system',
    actor_type text DEFAULT 'system',
    source     text DEFAULT 'system'
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    appended record;
BEGIN
    IF (erase_subject.subject_id IS NOT NULL AND erase_subject.reason IN (
            'request', 'consent withdrawn', 'objection', 'no longer needed', 'unlawful', 'legal obligation')) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'a subject and a reason are needed'
            USING ERRCODE = 'SE002',
                  HINT = 'The reason is request, consent withdrawn, objection, no longer needed, unlawful or legal obligation.';
    END IF;

    -- Waits for a session that is creating the key at this moment.
    INSERT INTO event_store.subject_keys AS k (subject_id, key)
    VALUES (erase_subject.subject_id, NULL)
    ON CONFLICT (subject_id) DO UPDATE SET key = NULL WHERE k.key IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    SELECT * INTO appended
      FROM event_store.append_event(
               'Subject', erase_subject.subject_id, NULL, 'PersonalDataErased',
               jsonb_build_object('reason', erase_subject.reason), actor => erase_subject.actor,
               actor_type => erase_subject.actor_type, source => erase_subject.source);
    INSERT INTO event_store.erasures (subject_id, reason, event_id)
    VALUES (erase_subject.subject_id, erase_subject.reason, appended.event_id);
    RETURN true;
END
$$;
