-- Compares lines that export_seals() or export_events() once wrote with the store: one row for each problem, no row =
-- all is well. `line` is the number of the line in the text.
--
-- with_events: the lines are an archive, and every seal has to have its events there. Who verifies has to say so, because
-- an archive that has lost all of them looks like an export of the seals alone.
--
--   export damaged  a line's own hash, or the events after a seal's line, do not match: the text was changed
--   events missing  with_events only: none of the seal's events is there
--   seal missing    the store no longer has this seal: the last seals were cut off
--   seal rewritten  the store has another seal with this number: history was rewritten together with its seals
CREATE OR REPLACE FUNCTION event_store.verify_export(lines text, with_events boolean DEFAULT false)
RETURNS TABLE (line bigint, seal bigint, kind text, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH texts AS (
        SELECT t.line, t.text, t.text LIKE '{"seal" : %' AS is_seal,
               count(*) FILTER (WHERE t.text LIKE '{"seal" : %') OVER (ORDER BY t.line) AS part
          FROM string_to_table(verify_export.lines, chr(10)) WITH ORDINALITY AS t (text, line)
         WHERE t.text <> ''
    ),
    parts AS (
        SELECT min(t.line) AS line, min(t.text) FILTER (WHERE t.is_seal) AS text,
               count(*) FILTER (WHERE NOT t.is_seal) AS events,
               encode(event_store.merkle_root(string_agg(event_store.leaf_hash(t.text), '' ORDER BY t.line)
                                                  FILTER (WHERE NOT t.is_seal)), 'hex') AS root
          FROM texts t
         GROUP BY t.part
    ),
    exported AS (
        SELECT p.line, p.text, p.events, p.root, substring(p.text FROM '"seal" : ([0-9]{1,18}),')::bigint AS seal,
               regexp_replace(p.text, ', "hash" : "[0-9a-f]{64}"}$', '}') AS sealed,
               substring(p.text FROM '"root" : "([0-9a-f]{64})"') AS sealed_root,
               substring(p.text FROM ', "hash" : "([0-9a-f]{64})"}$') AS hash
          FROM parts p
    ),
    problems AS (
        SELECT x.line, x.seal,
               CASE WHEN (x.hash = encode(sha256(convert_to(x.sealed, 'UTF8')), 'hex')) IS NOT TRUE THEN 'export damaged'
                    WHEN x.events > 0 AND x.root <> x.sealed_root THEN 'export damaged'
                    WHEN x.events = 0 AND verify_export.with_events THEN 'events missing'
                    WHEN s.seal IS NULL THEN 'seal missing'
                    WHEN event_store.export_line(s) <> x.text THEN 'seal rewritten' END AS kind,
               s
          FROM exported x LEFT JOIN event_store.seals s ON s.seal = x.seal
    )
    SELECT p.line, p.seal, p.kind,
           CASE p.kind WHEN 'export damaged' THEN 'the lines are not what the store exported, or not all of it'
                       WHEN 'events missing' THEN 'its line is there, its events are not: look for another copy of the archive'
                       WHEN 'seal missing' THEN 'the store has no seal of this number'
                       ELSE 'the store has: ' || event_store.export_line(p.s) END
      FROM problems p
     WHERE p.kind IS NOT NULL
     ORDER BY p.line
$$;
