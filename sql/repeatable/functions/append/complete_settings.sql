-- What the trigger on settings calls: a row that is made anew, after somebody deleted it, knows again what the store
-- contains. Sessions that appended before go on at once with what it says, without another look whether the feed has to be
-- rebased: so its offset is one with which rebase_feed() would find nothing to do.
CREATE OR REPLACE FUNCTION event_store.complete_settings() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Nobody appends by the old offset meanwhile.
    LOCK TABLE event_store.events IN SHARE ROW EXCLUSIVE MODE;
    new.feed_offset := greatest(new.feed_offset, event_store.highest_number() + 1
                                                 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint);
    new.has_retired_aggregates := EXISTS (SELECT FROM event_store.retired_aggregates);
    new.validated_event_types := ARRAY(SELECT DISTINCT t.event_type::text FROM event_store.event_types t
                                        WHERE t.validation <> 'off' ORDER BY 1);
    RETURN new;
END
$$;
