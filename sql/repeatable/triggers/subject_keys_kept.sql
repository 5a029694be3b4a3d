-- A key can be created and erased, and nothing else: a slip here would make everybody's data unreadable. ALWAYS, like
-- the append-only triggers.
CREATE OR REPLACE TRIGGER subject_keys_kept
    BEFORE DELETE OR TRUNCATE ON event_store.subject_keys
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

CREATE OR REPLACE TRIGGER subject_keys_only_erased
    BEFORE UPDATE ON event_store.subject_keys
    FOR EACH ROW
    WHEN (new.key IS NOT NULL OR old.key IS NULL OR (new.subject_id, new.created_at) <> (old.subject_id, old.created_at))
    EXECUTE FUNCTION event_store.refuse_change();

ALTER TABLE event_store.subject_keys ENABLE ALWAYS TRIGGER subject_keys_kept;
ALTER TABLE event_store.subject_keys ENABLE ALWAYS TRIGGER subject_keys_only_erased;
