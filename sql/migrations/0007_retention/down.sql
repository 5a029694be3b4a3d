-- Takes back up.sql. CASCADE takes along the functions over the tables' row types.
--
-- keeps event_store.subject_keys
-- keeps event_store.retirements
-- keeps event_store.retired_aggregates
-- loses event_store.erasures

DO $$ BEGIN
    -- Without the keys nobody's data could be read again; without the retirements every retired event would count as
    -- deleted, and the aggregates that had only such events would begin anew at version 1.
    IF EXISTS (SELECT FROM event_store.subject_keys) OR EXISTS (SELECT FROM event_store.retirements) THEN
        RAISE EXCEPTION 'personal data are protected with keys of this store, or events were retired from it: both would be lost'
            USING HINT = 'Stay at version 0007 or later.';
    END IF;
END $$;

DELETE FROM event_store.event_types WHERE event_type = 'PersonalDataErased';
DROP TABLE event_store.retirements, event_store.retired_aggregates, event_store.subject_keys, event_store.erasures CASCADE;
