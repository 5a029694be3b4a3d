-- Compares lines that export_seals() or export_events() once wrote with the store: one row for each problem, no row =
-- all is well. `line` is the number of the line in the text.
--
-- with_events: the lines are an archive, and every seal has to have its events there. Who verifies has to say so, because
-- an archive that has lost all of them looks like an export of the seals alone.
--
-- A line of fork_line() is the operator's record that a history was lost there on purpose. The seals whose last event is in
-- that gap need not be in the store any more, and others may have their numbers. What the store itself says of its forks
-- excuses nothing: whoever rewrites history can write that as well.
--
--   export damaged  a line's own hash, or the events after a seal's line, do not match: the text was changed
--   events missing  with_events only: none of the seal's events is there
--   seal missing    the store no longer has this seal: the last seals were cut off
--   seal rewritten  the store has another seal with this number: history was rewritten together with its seals
--   fork missing    the store does not have the fork of this record
--   fork rewritten  it has another one of this id
CREATE OR REPLACE FUNCTION event_store.verify_export(lines text, with_events boolean DEFAULT false)
RETURNS TABLE (line bigint, seal bigint, kind text, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH texts AS (
        SELECT t.line, t.text, t.text LIKE '{"seal" : %' AS is_seal, t.text LIKE '{"fork" : %' AS is_fork,
               count(*) FILTER (WHERE t.text LIKE '{"seal" : %') OVER (ORDER BY t.line) AS part
          FROM string_to_table(verify_export.lines, chr(10)) WITH ORDINALITY AS t (text, line)
         WHERE t.text <> ''
    ),
    named AS MATERIALIZED (
        SELECT t.line, t.text, substring(t.text FROM '"fork" : "([0-9a-f-]{36})"') AS fork,
               substring(t.text FROM '"last_transaction_id" : "([0-9]{1,18})"')::bigint AS last_number,
               substring(t.text FROM '"last_position" : ([0-9]{1,18})')::bigint AS last_position,
               substring(t.text FROM '"first_transaction_id" : "([0-9]{1,18})"')::bigint AS first_number
          FROM texts t
         WHERE t.is_fork
    ),
    parts AS (
        SELECT min(t.line) AS line, min(t.text) FILTER (WHERE t.is_seal) AS text,
               count(*) FILTER (WHERE NOT t.is_seal) AS events,
               encode(event_store.merkle_root(string_agg(event_store.leaf_hash(t.text), '' ORDER BY t.line)
                                                  FILTER (WHERE NOT t.is_seal)), 'hex') AS root
          FROM texts t
         WHERE NOT t.is_fork
         GROUP BY t.part
    ),
    exported AS (
        SELECT p.line, p.text, p.events, p.root, substring(p.text FROM '"seal" : ([0-9]{1,18}),')::bigint AS seal,
               regexp_replace(p.text, ', "hash" : "[0-9a-f]{64}"}$', '}') AS sealed,
               substring(p.text FROM '"root" : "([0-9a-f]{64})"') AS sealed_root,
               substring(p.text FROM ', "hash" : "([0-9a-f]{64})"}$') AS hash,
               substring(p.text FROM '"last_transaction_id" : "([0-9]{1,18})"')::bigint AS last_number,
               substring(p.text FROM '"last_position" : ([0-9]{1,18})')::bigint AS last_position
          FROM parts p
    ),
    problems AS (
        SELECT x.line, x.seal, x.last_number, x.last_position,
               CASE WHEN (x.hash = encode(sha256(convert_to(x.sealed, 'UTF8')), 'hex')) IS NOT TRUE THEN 'export damaged'
                    WHEN x.events > 0 AND x.root <> x.sealed_root THEN 'export damaged'
                    WHEN x.events = 0 AND verify_export.with_events THEN 'events missing'
                    WHEN EXISTS (SELECT FROM named n
                                  WHERE (x.last_number, x.last_position) > (n.last_number, n.last_position)
                                    AND x.last_number < n.first_number) THEN NULL
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
           || CASE WHEN p.kind IN ('seal missing', 'seal rewritten')
                   THEN coalesce((SELECT format('; if you have restored the store, or another server has taken over: fork %s, '
                                                'recorded at %s (%s)', f.fork, f.recorded_at, f.reason)
                                    FROM event_store.forks f
                                   WHERE (p.last_number, p.last_position)
                                         > (f.last_transaction_id::text::bigint, f.last_position)
                                     AND p.last_number < f.first_transaction_id::text::bigint
                                   ORDER BY f.first_transaction_id
                                   LIMIT 1), '') ELSE '' END
      FROM problems p
     WHERE p.kind IS NOT NULL
    UNION ALL
    SELECT n.line, NULL, CASE WHEN f.fork IS NULL THEN 'fork missing' ELSE 'fork rewritten' END,
           CASE WHEN f.fork IS NULL THEN 'the store has no fork of this id' ELSE 'the store has: ' || event_store.fork_line(f) END
      FROM named n LEFT JOIN event_store.forks f ON f.fork::text = n.fork
     WHERE (f.fork IS NULL OR event_store.fork_line(f) <> n.text)
       -- A later restore may have gone back to before this fork.
       AND NOT EXISTS (SELECT FROM named m WHERE n.first_number > m.last_number AND n.first_number < m.first_number)
     ORDER BY 1
$$;
