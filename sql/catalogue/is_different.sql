-- Whether there is any row of drift.sql. Of the catalogue's objects only the definitions are worked out, which takes half
-- the time of all that is needed to report and to repair them.
/* snapshot_objects.sql */,
actual AS (
    SELECT kind, identity, definition FROM (
/* snapshot_rows.sql */
    ) s
),
reference AS (
    SELECT o.*
      FROM (SELECT objects FROM deployment.reference WHERE reference_key = /* reference key */) r,
           jsonb_to_recordset(objects) AS o (kind text, identity text, definition text)
)
SELECT EXISTS (SELECT FROM reference r FULL JOIN actual a USING (kind, identity)
                WHERE a.definition IS DISTINCT FROM r.definition) AS is_different
