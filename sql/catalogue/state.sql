-- All that the operator's side has to know, in one call: lines of JSON. Reads only.
SET search_path = pg_catalog;
SET jit = off;
SET quote_all_identifiers = off;
SELECT to_regclass('deployment.migrations') IS NOT NULL AS has_ledger,
       to_regclass('deployment.reference') IS NOT NULL AS has_reference,
       to_regnamespace('event_store') IS NOT NULL AS has_store \gset
SELECT json_build_object('has_store', :'has_store'::boolean);
\if :has_ledger
SELECT json_build_object('ledger', coalesce(json_agg(json_build_object(
           'version', version, 'name', name, 'sha256', sha256) ORDER BY version), '[]'))
  FROM deployment.migrations;
\endif
\set is_current false
\if :has_reference
-- What a killed run left behind is cleaned up by building the reference again.
SELECT EXISTS (SELECT FROM deployment.reference
                WHERE reference_key = '/* digest */:' || current_setting('server_version_num'))
       AND NOT EXISTS (
/* leftovers.sql */
       ) AS is_current \gset
\endif
\if :is_current
SELECT json_build_object('drift', coalesce(json_agg(json_build_object(
           'kind', kind, 'identity', identity, 'difference', difference, 'repairable', repairable,
           'present', present, 'expected', expected, 'sql', array_remove(ARRAY[drop_statement, create_statement], NULL))
           ORDER BY rank, kind, identity), '[]'))
  FROM (
/* drift.sql */
  ) d
 WHERE NOT implied;
\endif
