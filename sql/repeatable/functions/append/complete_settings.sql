-- What the trigger on settings calls: a row that is made anew, after somebody deleted it, knows again what the store
-- contains. Only the feed's offset cannot be told from the tables: see rebase_feed().
CREATE OR REPLACE FUNCTION event_store.complete_settings() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    new.has_retired_aggregates := EXISTS (SELECT FROM event_store.retired_aggregates);
    new.validated_event_types := ARRAY(SELECT DISTINCT t.event_type::text FROM event_store.event_types t
                                        WHERE t.validation <> 'off' ORDER BY 1);
    RETURN new;
END
$$;
