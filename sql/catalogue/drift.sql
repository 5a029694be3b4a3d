-- The differences between this database and the stored reference: one row for each, with the SQL that removes it.
-- `repairable` is false if rows would be lost or have been lost. `implied`: the object that it belongs to is missing or
-- extra itself; the report names only that object.
WITH
actual AS MATERIALIZED (
/* snapshot.sql */
),
reference AS MATERIALIZED (
    SELECT o.*
      FROM (SELECT objects FROM deployment.reference WHERE reference_key = /* reference key */) r,
           jsonb_to_recordset(objects) AS o (kind text, identity text, parent text, definition text, create_sql text,
                                             alter_sql text, drop_sql text, shape text, rank integer, place bigint)
),
missing AS MATERIALIZED (
    SELECT kind || ' ' || identity AS name FROM reference EXCEPT SELECT kind || ' ' || identity FROM actual
),
extra AS MATERIALIZED (
    SELECT kind || ' ' || identity AS name FROM actual EXCEPT SELECT kind || ' ' || identity FROM reference
),
pairs AS (
    SELECT kind, identity, coalesce(r.rank, a.rank) AS rank, coalesce(r.place, a.place) AS place,
           a.definition AS present, r.definition AS expected, r.create_sql, r.alter_sql, a.drop_sql,
           CASE WHEN a.definition IS NULL THEN 'missing' WHEN r.definition IS NULL THEN 'extra' ELSE 'changed' END AS difference,
           r.alter_sql IS NOT NULL AND r.shape = a.shape AS in_place,
           (a.definition IS NULL AND r.parent IN (SELECT name FROM missing))
           OR (r.definition IS NULL AND a.parent IN (SELECT name FROM extra)) AS implied
      FROM reference r FULL JOIN actual a USING (kind, identity)
     WHERE a.definition IS DISTINCT FROM r.definition
)
SELECT kind, identity, difference, coalesce(implied, false) AS implied, present, expected, rank, place,
       CASE difference WHEN 'missing' THEN create_sql IS NOT NULL
                       WHEN 'extra' THEN drop_sql IS NOT NULL
                       ELSE coalesce(in_place, false) OR (create_sql IS NOT NULL AND drop_sql IS NOT NULL) END AS repairable,
       CASE WHEN (difference = 'extra' AND implied IS NOT TRUE) OR (difference = 'changed' AND in_place IS NOT TRUE)
            THEN drop_sql END AS drop_statement,
       CASE WHEN difference = 'missing' OR (difference = 'changed' AND in_place IS NOT TRUE) THEN create_sql
            WHEN difference = 'changed' THEN alter_sql END AS create_statement
  FROM pairs
