-- The seals as lines of JSON. Keep them where nobody who can write to this server can write. Compared with the store by
-- verify_export(), they show what no check inside the store can show. A line is the seal's canonical form with its
-- hash.
CREATE OR REPLACE FUNCTION event_store.export_seals(from_seal bigint DEFAULT 1, to_seal bigint DEFAULT NULL)
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT event_store.export_line(s)
      FROM event_store.seals s
     WHERE s.seal >= export_seals.from_seal AND (export_seals.to_seal IS NULL OR s.seal <= export_seals.to_seal)
     ORDER BY s.seal
$$;
