-- Called by the trigger on settings. If somebody deleted the row of settings, the row that replaces it has to know
-- again what the store contains. Its offset is such that rebase_feed() would find nothing to do. When the present history
-- began is lost: the next append begins a new one, see due_fork().
CREATE OR REPLACE FUNCTION event_store.complete_settings() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- So that nobody appends with the old offset meanwhile.
    LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    new.feed_offset := greatest(new.feed_offset, event_store.highest_number() + 1
                                                 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint);
    new.fork := gen_random_uuid();
    new.timeline := 0;
    new.server_start := '-infinity';
    new.table_id := TG_RELID;
    new.has_retired_aggregates := EXISTS (SELECT FROM event_store.retired_aggregates);
    new.validated_event_types := ARRAY(SELECT DISTINCT t.event_type::text FROM event_store.event_types t
                                        WHERE t.validation <> 'off' ORDER BY 1);
    RETURN new;
END
$$;
