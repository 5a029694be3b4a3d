-- A seal's line in an export: its canonical form, with its hash added at the end of the same object.
CREATE OR REPLACE FUNCTION event_store.export_line(seal event_store.seals) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT rtrim(event_store.seal_line(seal), '}') || ', "hash" : "' || encode(seal.hash, 'hex') || '"}'
$$;
