-- The managed part of the catalogue, one row for each fact about it. Run in the store and in a scratch database that
-- the files of this checkout made; what differs is drift. Deparsing depends on the session: drift.sql's callers set
-- search_path to pg_catalog alone, so that every name comes out qualified.
--
--   kind, identity   what it is, in the words of the report; unique together
--   parent           the object it hangs on ("kind identity"): gone with it, made with it, not reported beside it
--   definition       what is compared
--   create_sql       brings it where it is missing; '' = comes with its parent; NULL = cannot be brought back
--   alter_sql        changes it in place, as long as `shape` is the same; NULL = only by drop and create
--   drop_sql         takes it away; '' = goes with its parent; NULL = would lose data
--   rank, place      the order of creation; dropping goes the other way
--
-- A table, a column or its type hold data: they have no SQL here, so they end the run with a report. But for a missing table
-- of the schema projections: all that it held follows from events, and a definition_version of 0 has the worker build it.
WITH
schemas AS MATERIALIZED (
    SELECT oid, nspname, nspowner, nspacl, quote_ident(nspname) AS name,
           nspname IN ('event_store', 'projections', 'deployment') AS whole
      FROM pg_namespace
     WHERE nspname IN ('event_store', 'projections', 'deployment', 'public', 'projections_rebuild', 'extensions')
),
-- What belongs to an extension goes with it, and cannot go without it. Whoever may create in the database (the application
-- owns it) may install a trusted extension into any schema.
members AS MATERIALIZED (
    SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'e'
),
-- Tables, views and sequences. `public` is shared: nothing of it but the functions named below is managed; and what
-- projections_rebuild holds comes and goes with the rebuilds of projections.
relations AS MATERIALIZED (
    SELECT c.*, format('%I.%I', s.nspname, c.relname) AS name,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view'
                          WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' END AS word,
           c.relkind IN ('r', 'p', 'f') AS holds_rows,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype = 'i'
                      AND c.relkind = 'S') AS of_identity
      FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace AND s.whole
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
       AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
),
columns AS MATERIALIZED (
    SELECT a.*, r.name AS relation, r.word, r.holds_rows, r.relkind, r.relowner,
           r.name || '.' || quote_ident(a.attname) AS name,
           CASE WHEN r.holds_rows THEN 'column ' || r.name || '.' || quote_ident(a.attname) ELSE r.word || ' ' || r.name END AS parent,
           format('ALTER TABLE %s ALTER COLUMN %I', r.name, a.attname) AS alter_column
      FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid
     WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind <> 'S'
),
functions AS MATERIALIZED (
    SELECT p.*, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS word,
           format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
      FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
     WHERE (s.whole OR p.proname = 'refresh_materialized_views')
       AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
),
types AS MATERIALIZED (
    SELECT t.*, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS word, format('%I.%I', s.nspname, t.typname) AS name
      FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace AND s.whole
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
       AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
),
triggers AS MATERIALIZED (
    SELECT t.*, r.name AS relation, r.word, format('%I on %s', t.tgname, r.name) AS name
      FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid
     WHERE NOT t.tgisinternal
),
-- Whatever can be owned and granted. `owner_sql` and `grant_name` are the object as ALTER and GRANT want it.
objects AS (
    SELECT 'schema ' || name AS parent, 'SCHEMA ' || name AS owner_sql, 'SCHEMA ' || name AS grant_name,
           nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl
      FROM schemas
    UNION ALL
    SELECT word || ' ' || name, CASE WHEN of_identity THEN NULL ELSE upper(word) || ' ' || name END,
           CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || name,
           relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
      FROM relations
    UNION ALL
    SELECT word || ' ' || name, upper(word) || ' ' || name,
           CASE prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || name,
           proowner, coalesce(proacl, acldefault('f', proowner))
      FROM functions
    UNION ALL
    SELECT word || ' ' || name, upper(word) || ' ' || name, upper(word) || ' ' || name,
           typowner, coalesce(typacl, acldefault('T', typowner))
      FROM types
),
-- The built-in default privileges of the roles that make objects in here, or what stands in their place.
default_privileges AS (
    SELECT r.oid AS role, NULL::name AS schema, k.kind, k.words, coalesce(d.defaclacl, acldefault(k.code, r.oid)) AS acl
      FROM pg_roles r
     CROSS JOIN (VALUES ('r'::"char", 'r'::"char", 'TABLES'), ('S', 's', 'SEQUENCES'), ('f', 'f', 'FUNCTIONS'),
                        ('T', 'T', 'TYPES'), ('n', 'n', 'SCHEMAS')) AS k (kind, code, words)
      LEFT JOIN pg_default_acl d ON d.defaclrole = r.oid AND d.defaclnamespace = 0 AND d.defaclobjtype = k.kind
     WHERE r.rolname IN ('event_store_owner', 'postgres')
    UNION ALL
    SELECT d.defaclrole, s.nspname, d.defaclobjtype,
           CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                WHEN 'T' THEN 'TYPES' END,
           d.defaclacl
      FROM pg_default_acl d JOIN schemas s ON s.oid = d.defaclnamespace AND s.whole
),
grantees AS (
    SELECT 0::oid AS oid, 'PUBLIC' AS name UNION ALL SELECT oid, quote_ident(rolname) FROM pg_roles
),
comments AS (
    SELECT o.parent, o.on_sql, d.description
      FROM (SELECT 'pg_namespace'::regclass AS class, oid, 0 AS part, 'schema ' || name AS parent,
                   'SCHEMA ' || name AS on_sql FROM schemas WHERE whole
            UNION ALL
            SELECT 'pg_class'::regclass, oid, 0, word || ' ' || name, upper(word) || ' ' || name FROM relations
            UNION ALL
            SELECT 'pg_class'::regclass, attrelid, attnum, 'column ' || name, 'COLUMN ' || name FROM columns
            UNION ALL
            SELECT 'pg_proc'::regclass, oid, 0, word || ' ' || name, upper(word) || ' ' || name FROM functions) o
      JOIN pg_description d ON d.classoid = o.class AND d.objoid = o.oid AND d.objsubid = o.part
)
