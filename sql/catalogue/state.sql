-- Everything that the operator's side has to know, in one call, as lines of JSON. Reads only.
SET search_path = pg_catalog;
SET jit = off;
SET quote_all_identifiers = off;
SET intervalstyle = postgres;
SELECT to_regclass('deployment.migrations') IS NOT NULL AS has_ledger,
       to_regclass('deployment.reference') IS NOT NULL AS has_reference,
       to_regnamespace('event_store') IS NOT NULL AS has_store,
       to_regclass('event_store.settings') IS NOT NULL AS has_settings,
       to_regprocedure('event_store.is_rebase_due()') IS NOT NULL AS has_feed \gset
SELECT json_build_object('has_store', :'has_store'::boolean);
\if :has_ledger
SELECT json_build_object('ledger', coalesce(json_agg(json_build_object(
           'version', version, 'name', name, 'sha256', sha256) ORDER BY version), '[]'))
  FROM deployment.migrations;
\endif
-- All columns, whatever they are: if one is missing, the comparison below reports it.
\if :has_settings
SELECT json_build_object('settings', to_jsonb(s)) FROM event_store.settings s;
\endif
-- If somebody edited the function, it may fail. That is drift, and no reason to report nothing at all.
\if :has_feed
\set ON_ERROR_STOP 0
SELECT json_build_object('rebase_due', event_store.is_rebase_due());
\set ON_ERROR_STOP 1
\endif
\set is_current false
\if :has_reference
-- If a killed run left something behind, the reference does not count as current: building it again cleans up.
SELECT EXISTS (SELECT FROM deployment.reference
                WHERE reference_key = /* reference key */)
       AND NOT EXISTS (
/* leftovers.sql */
       ) AS is_current \gset
\endif
\if :has_ledger
\if :has_reference
-- The versions whose functions a rollback can bring back as well.
SELECT json_build_object('references', coalesce(json_agg(DISTINCT version), '[]'))
  FROM (SELECT (SELECT max(version) FROM deployment.migrations WHERE applied_at <= built_at) AS version
          FROM deployment.reference WHERE reference_key LIKE /* comparable keys */) r;
\endif
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
