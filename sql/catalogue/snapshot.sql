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
-- Only its own projection is built again; every one if the registry is missing as well, which would say whose it is.
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
           format('ALTER TABLE %s ALTER COLUMN %I', r.name, a.attname) AS alter_column,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                     (SELECT format('GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid)) FROM pg_attrdef d
                       WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = 's')) AS type_of_column
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

-- As text, each of them: a column that some branch gives as a name would be a name in all, and a name ends after 63 bytes.
SELECT 'schema'::text AS kind, name::text AS identity, NULL::text AS parent, ''::text AS definition,
       'CREATE SCHEMA ' || name AS create_sql, NULL::text AS alter_sql, NULL::text AS drop_sql, ''::text AS shape,
       10 AS rank, oid::bigint AS place
  FROM schemas

UNION ALL  -- the extensions that the functions call
SELECT 'extension', e.extname::text, NULL, n.nspname::text, format('CREATE EXTENSION %I SCHEMA %I', e.extname, n.nspname),
       format('ALTER EXTENSION %I SET SCHEMA %I', e.extname, n.nspname), NULL, '', 15, e.oid::bigint
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname IN ('plpython3u', 'pgcrypto')

UNION ALL  -- types: their values are stored in rows
SELECT word, name, NULL, coalesce((SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e
                                    WHERE e.enumtypid = types.oid), format_type(typbasetype, typtypmod), ''),
       NULL, NULL, format('DROP %s %s', upper(word), name), '', 20, oid::bigint
  FROM types

UNION ALL  -- tables
SELECT word, name, NULL, CASE relkind WHEN 'p' THEN 'partitioned ' || pg_get_partkeydef(oid) WHEN 'f' THEN 'foreign' ELSE 'plain' END,
       CASE WHEN relkind = 'r' AND starts_with(name, 'projections.')
            THEN format('CREATE TABLE %s (%s); DO $lost$ BEGIN '
                        'UPDATE event_store.projections SET %s WHERE projection_name IN '
                        '(SELECT r.projection_name FROM projections.registry() r WHERE %L = ANY (r.tables)); '
                        'EXCEPTION WHEN undefined_function THEN UPDATE event_store.projections SET %s; '
                        'END $lost$', name,
                        (SELECT string_agg(format('%I %s', c.attname, c.type_of_column), ', ' ORDER BY c.attnum)
                           FROM columns c WHERE c.attrelid = relations.oid), lost.state, relname, lost.state) END,
       NULL, NULL, '', 30, oid::bigint
  FROM relations
 -- As enroll_projections() says it: the rows that the checkpoint is about are gone.
 CROSS JOIN (VALUES ($state$definition_version = 0, status = CASE status WHEN 'paused' THEN status ELSE 'failed' END, error_sqlstate = 'SE013', error_message = 'a table was lost and is empty until it is rebuilt', failed_event_id = NULL, failed_global_position = NULL, retry_at = NULL$state$)) AS lost (state)
 WHERE holds_rows

UNION ALL
SELECT 'persistence', word || ' ' || name, word || ' ' || name,
       CASE relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END, '',
       format('ALTER TABLE %s SET %s', name, CASE relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END), '', '', 41, 0
  FROM relations WHERE relkind = 'r'

UNION ALL  -- rows of a child show up in the parent
SELECT 'inheritance', format('%s from %s', i.inhrelid::regclass, i.inhparent::regclass), NULL, '',
       NULL, NULL, format('ALTER TABLE %s NO INHERIT %s', i.inhrelid::regclass, i.inhparent::regclass), '', 41, 0
  FROM pg_inherits i
 WHERE EXISTS (SELECT FROM relations r WHERE r.holds_rows AND r.oid IN (i.inhrelid, i.inhparent))

UNION ALL
SELECT 'column', name, word || ' ' || relation,
       concat_ws(' ', type_of_column,
                 (SELECT format('COLLATE %I', l.collname) FROM pg_collation l JOIN pg_type t ON t.oid = atttypid
                   WHERE l.oid = attcollation AND attcollation <> t.typcollation)),
       NULL, NULL, NULL, '', 31, attnum
  FROM columns WHERE holds_rows

UNION ALL
SELECT 'not null', name, 'column ' || name, '', alter_column || ' SET NOT NULL', NULL, alter_column || ' DROP NOT NULL', '', 49, attnum
  FROM columns WHERE holds_rows AND attnotnull

UNION ALL  -- an identity that is gone has lost its place in the sequence
SELECT 'identity', name, 'column ' || name, CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, NULL,
       format('%s SET GENERATED %s', alter_column, CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END),
       alter_column || ' DROP IDENTITY', '', 47, attnum
  FROM columns WHERE attidentity <> ''

UNION ALL
SELECT 'default', c.name, 'column ' || c.name, pg_get_expr(d.adbin, d.adrelid),
       format('%s SET DEFAULT %s', c.alter_column, pg_get_expr(d.adbin, d.adrelid)),
       format('%s SET DEFAULT %s', c.alter_column, pg_get_expr(d.adbin, d.adrelid)),
       c.alter_column || ' DROP DEFAULT', '', 48, c.attnum
  FROM columns c JOIN pg_attrdef d ON d.adrelid = c.attrelid AND d.adnum = c.attnum AND c.attgenerated = ''

UNION ALL
SELECT 'storage', name, 'column ' || name,
       CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END, '',
       format('%s SET STORAGE %s', alter_column,
              CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END), '', '', 41, attnum
  FROM columns WHERE holds_rows

UNION ALL
SELECT 'compression', name, 'column ' || name, c.method, '', format('%s SET COMPRESSION %s', alter_column, c.method), '', '', 41, attnum
  FROM columns
 CROSS JOIN LATERAL (SELECT CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END AS method) c
 WHERE holds_rows

UNION ALL
SELECT 'statistics target', name, 'column ' || name, coalesce(attstattarget, -1)::text, '',
       format('%s SET STATISTICS %s', alter_column, coalesce(attstattarget, -1)), '', '', 41, attnum
  FROM columns WHERE holds_rows

UNION ALL
SELECT 'sequence', name, NULL,
       format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s', format_type(seqtypid, NULL), seqincrement, seqmin, seqmax,
              seqcache, CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
       CASE WHEN of_identity THEN '' END,
       format('ALTER SEQUENCE %s AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s', name, format_type(seqtypid, NULL),
              seqincrement, seqmin, seqmax, seqcache, CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
       CASE WHEN of_identity THEN '' ELSE 'DROP SEQUENCE ' || name END, '', 32, oid::bigint
  FROM relations JOIN pg_sequence ON seqrelid = oid

UNION ALL  -- storage parameters of tables, their TOAST tables, columns, views and indexes, one by one
SELECT 'option', split_part(o.option, '=', 1) || ' of ' || o.owner, o.owner, substr(o.option, strpos(o.option, '=') + 1),
       format('ALTER %s SET (%s = %L)', o.sql, split_part(o.option, '=', 1), substr(o.option, strpos(o.option, '=') + 1)),
       format('ALTER %s SET (%s = %L)', o.sql, split_part(o.option, '=', 1), substr(o.option, strpos(o.option, '=') + 1)),
       format('ALTER %s RESET (%s)', o.sql, split_part(o.option, '=', 1)), '', 62, 0
  FROM (SELECT word || ' ' || name AS owner, upper(word) || ' ' || name AS sql, unnest(reloptions) AS option FROM relations
        UNION ALL
        SELECT parent, format('TABLE %s ALTER COLUMN %I', relation, attname), unnest(attoptions) FROM columns WHERE holds_rows
        UNION ALL
        SELECT r.word || ' ' || r.name, upper(r.word) || ' ' || r.name, 'toast.' || unnest(t.reloptions)
          FROM relations r JOIN pg_class t ON t.oid = r.reltoastrelid
        UNION ALL
        SELECT 'index ' || i.oid::regclass, 'INDEX ' || i.oid::regclass, unnest(i.reloptions)
          FROM relations r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
         -- The definition of an index names its options; that of a constraint does not.
         WHERE EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))) o
 WHERE o.option NOT LIKE 'pg\_attver=%'  -- the server's own, for every column, since 17.12 and 15.20

UNION ALL
SELECT 'replica identity', word || ' ' || name, word || ' ' || name,
       CASE relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' WHEN 'i' THEN 'USING INDEX ' || i.index ELSE 'DEFAULT' END, '',
       format('ALTER TABLE %s REPLICA IDENTITY %s', name,
              CASE relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' WHEN 'i' THEN 'USING INDEX ' || i.index ELSE 'DEFAULT' END),
       '', '', 63, 0
  FROM relations
  LEFT JOIN LATERAL (SELECT quote_ident(x.relname) AS index FROM pg_index JOIN pg_class x ON x.oid = indexrelid
                      WHERE indrelid = relations.oid AND indisreplident) i ON true
 WHERE relkind IN ('r', 'p')

UNION ALL
SELECT 'clustering', word || ' ' || name, word || ' ' || name, coalesce('on ' || i.index, 'none'), '',
       format('ALTER TABLE %s %s', name, coalesce('CLUSTER ON ' || i.index, 'SET WITHOUT CLUSTER')), '', '', 63, 0
  FROM relations
  LEFT JOIN LATERAL (SELECT quote_ident(x.relname) AS index FROM pg_index JOIN pg_class x ON x.oid = indexrelid
                      WHERE indrelid = relations.oid AND indisclustered) i ON true
 WHERE relkind = 'r'

UNION ALL
SELECT 'row security', word || ' ' || name, word || ' ' || name, s.sql, '', format('ALTER TABLE %s %s', name, s.sql), '', '', 42, 0
  FROM relations
 CROSS JOIN LATERAL (SELECT format('%s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY',
                                   CASE WHEN relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END,
                                   CASE WHEN relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END) AS sql) s
 WHERE relkind IN ('r', 'p')

UNION ALL
SELECT 'policy', format('%I on %s', p.polname, r.name), r.word || ' ' || r.name, d.sql,
       format('CREATE POLICY %I ON %s %s', p.polname, r.name, d.sql), NULL,
       format('DROP POLICY IF EXISTS %I ON %s', p.polname, r.name), '', 64, p.oid::bigint
  FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
 CROSS JOIN LATERAL (SELECT concat_ws(' ',
        CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT' WHEN 'w' THEN 'FOR UPDATE' WHEN 'd' THEN 'FOR DELETE'
                      ELSE 'FOR ALL' END,
        'TO ' || (SELECT string_agg(g.name, ', ' ORDER BY g.name) FROM grantees g WHERE g.oid = ANY (p.polroles)),
        'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS sql) d

UNION ALL  -- before constraints, indexes and defaults, which may call them
SELECT word, name, NULL, coalesce(d.sql, 'no definition'), d.sql, d.sql, format('DROP %s %s', upper(word), name),
       concat_ws(' ', prokind, proretset, pg_get_function_result(oid), pg_get_function_arguments(oid)), 46, oid::bigint
  FROM functions
 CROSS JOIN LATERAL (SELECT CASE WHEN prokind <> 'a' THEN pg_get_functiondef(oid) END AS sql) d

UNION ALL
SELECT word, name, NULL, d.sql,
       format('CREATE %s %s AS %s', upper(word), name, d.sql),
       CASE relkind WHEN 'v' THEN format('CREATE OR REPLACE VIEW %s AS %s', name, d.sql) END,
       format('DROP %s %s', upper(word), name),
       (SELECT string_agg(format('%I %s', c.attname, format_type(c.atttypid, c.atttypmod)), ', ' ORDER BY c.attnum)
          FROM columns c WHERE c.attrelid = relations.oid), 46, oid::bigint
  FROM relations
 CROSS JOIN LATERAL (SELECT rtrim(pg_get_viewdef(oid), ';') AS sql) d
 WHERE relkind IN ('v', 'm')

UNION ALL
SELECT 'contents', word || ' ' || name, word || ' ' || name, CASE WHEN relispopulated THEN 'populated' ELSE 'empty' END, '',
       'REFRESH MATERIALIZED VIEW ' || name, '', '', 47, 0
  FROM relations WHERE relkind = 'm'

UNION ALL  -- primary keys and unique ones before the foreign keys that point at them
SELECT 'constraint', format('%I on %s', k.conname, r.name), r.word || ' ' || r.name, pg_get_constraintdef(k.oid),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.name, k.conname, pg_get_constraintdef(k.oid)), NULL,
       format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', r.name, k.conname), '',
       CASE k.contype WHEN 'c' THEN 51 WHEN 'f' THEN 52 ELSE 50 END, k.oid::bigint
  FROM pg_constraint k JOIN relations r ON r.oid = k.conrelid
 WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')

UNION ALL
SELECT 'index', i.name, r.word || ' ' || r.name,
       pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END,
       pg_get_indexdef(x.indexrelid), NULL, 'DROP INDEX IF EXISTS ' || i.name, '', 60, x.indexrelid::bigint
  FROM pg_index x JOIN relations r ON r.oid = x.indrelid
 CROSS JOIN LATERAL (SELECT x.indexrelid::regclass::text AS name) i
 WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))

UNION ALL
SELECT 'statistics', format('%I.%I', n.nspname, e.stxname), r.word || ' ' || r.name, pg_get_statisticsobjdef(e.oid),
       pg_get_statisticsobjdef(e.oid), NULL, format('DROP STATISTICS IF EXISTS %I.%I', n.nspname, e.stxname), '', 61, e.oid::bigint
  FROM pg_statistic_ext e JOIN relations r ON r.oid = e.stxrelid JOIN pg_namespace n ON n.oid = e.stxnamespace

UNION ALL
SELECT 'trigger', name, word || ' ' || relation, pg_get_triggerdef(oid), pg_get_triggerdef(oid), NULL,
       format('DROP TRIGGER IF EXISTS %I ON %s', tgname, relation), '', 80, oid::bigint
  FROM triggers

UNION ALL
SELECT 'trigger state', name, 'trigger ' || name, s.sql, '', format('ALTER TABLE %s %s TRIGGER %I', relation, s.sql, tgname), '', '', 81, 0
  FROM triggers
 CROSS JOIN LATERAL (SELECT CASE tgenabled WHEN 'O' THEN 'ENABLE' WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
                                           ELSE 'ENABLE ALWAYS' END AS sql) s

UNION ALL  -- a foreign key's own triggers: DISABLE TRIGGER ALL silences them as well
SELECT 'trigger state', format('of foreign key %I on %s (%s)', k.conname, r.name, t.tgfoid::regproc), NULL, t.tgenabled::text, '',
       format('ALTER TABLE %s %s TRIGGER %I', r.name, CASE t.tgenabled WHEN 'D' THEN 'DISABLE' ELSE 'ENABLE' END, t.tgname), '', '', 81, 0
  FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid JOIN pg_constraint k ON k.oid = t.tgconstraint
  JOIN relations o ON o.oid = k.conrelid
 WHERE t.tgisinternal AND t.tgenabled <> 'O'

UNION ALL
SELECT 'rule', format('%I on %s', u.rulename, r.name), r.word || ' ' || r.name, pg_get_ruledef(u.oid) || ' ' || u.ev_enabled::text,
       pg_get_ruledef(u.oid), NULL, format('DROP RULE IF EXISTS %I ON %s', u.rulename, r.name), '', 80, u.oid::bigint
  FROM pg_rewrite u JOIN relations r ON r.oid = u.ev_class
 WHERE u.rulename <> '_RETURN'

UNION ALL  -- operators, collations, text search objects, ...: none is expected
SELECT o.type, o.identity, NULL, '', NULL, NULL, format('DROP %s %s', upper(o.type), o.identity), '', 45, d.objid::bigint
  FROM pg_depend d JOIN schemas s ON s.oid = d.refobjid AND s.whole AND d.refclassid = 'pg_namespace'::regclass
 CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
 WHERE d.deptype = 'n'
   AND d.classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass,
                         'pg_statistic_ext'::regclass, 'pg_default_acl'::regclass)
   AND NOT EXISTS (SELECT FROM members m WHERE m.classid = d.classid AND m.objid = d.objid)
   AND o.identity NOT IN ('plpython3u', 'pgcrypto')

UNION ALL  -- conversions from and to our types and rows
SELECT 'cast', f.sql, NULL, format('%s %s', k.castcontext, k.castmethod), NULL, NULL, 'DROP CAST IF EXISTS ' || f.sql, '', 45, k.oid::bigint
  FROM pg_cast k
 CROSS JOIN LATERAL (SELECT format('(%s AS %s)', format_type(castsource, NULL), format_type(casttarget, NULL)) AS sql) f
 WHERE EXISTS (SELECT FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace AND s.whole
                WHERE t.oid IN (k.castsource, k.casttarget))
   AND NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_cast'::regclass AND m.objid = k.oid)

UNION ALL  -- they run in every command that changes a schema, whoever gives it
SELECT 'event trigger', quote_ident(evtname), NULL, format('%s %s %s', evtevent, evtfoid::regprocedure, evtenabled), NULL, NULL,
       format('DROP EVENT TRIGGER IF EXISTS %I', evtname), '', 45, oid::bigint
  FROM pg_event_trigger e
 WHERE NOT EXISTS (SELECT FROM members m WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid)

UNION ALL  -- the events would leave by them
SELECT 'publication', quote_ident(pubname), NULL, '', NULL, NULL, format('DROP PUBLICATION IF EXISTS %I', pubname), '', 45, oid::bigint
  FROM pg_publication p
 WHERE p.puballtables OR EXISTS (SELECT FROM pg_publication_tables t JOIN relations r ON r.name = format('%I.%I', t.schemaname, t.tablename)
                                  WHERE t.pubname = p.pubname)

UNION ALL  -- rows would come by them; whoever drops one has to be able to reach the other server, so it is done by hand
SELECT 'subscription', quote_ident(s.subname), NULL, '', NULL, NULL, NULL, '', 45, s.oid::bigint
  FROM pg_subscription s
 WHERE EXISTS (SELECT FROM pg_subscription_rel l JOIN relations r ON r.oid = l.srrelid WHERE l.srsubid = s.oid)

UNION ALL  -- before the grants: the owner's own stand in his name
SELECT 'owner', parent, parent, quote_ident(pg_get_userbyid(owner)),
       CASE WHEN owner_sql IS NULL THEN '' ELSE format('ALTER %s OWNER TO %I', owner_sql, pg_get_userbyid(owner)) END,
       CASE WHEN owner_sql IS NULL THEN '' ELSE format('ALTER %s OWNER TO %I', owner_sql, pg_get_userbyid(owner)) END, '', '', 90, 0
  FROM objects

UNION ALL
-- An owner's grants are named after the role's part, or a changed owner would be reported once for each of them.
SELECT 'grant', format('%s on %s to %s', a.privilege_type, o.parent, h.name), o.parent,
       CASE WHEN bool_or(a.is_grantable) THEN 'WITH GRANT OPTION' ELSE '' END,
       format('GRANT %s ON %s TO %s%s', a.privilege_type, o.grant_name, g.name,
              CASE WHEN bool_or(a.is_grantable) THEN ' WITH GRANT OPTION' ELSE '' END), NULL,
       format('REVOKE %s ON %s FROM %s CASCADE', a.privilege_type, o.grant_name, g.name), '', 95, 0
  FROM objects o CROSS JOIN LATERAL aclexplode(o.acl) a JOIN grantees g ON g.oid = a.grantee
 CROSS JOIN LATERAL (SELECT CASE WHEN a.grantee = o.owner THEN 'its owner' ELSE g.name END AS name) h
 GROUP BY o.parent, o.grant_name, a.privilege_type, g.name, h.name

UNION ALL
SELECT 'grant', format('%s on column %s to %s', a.privilege_type, c.name, g.name), c.parent,
       CASE WHEN bool_or(a.is_grantable) THEN 'WITH GRANT OPTION' ELSE '' END,
       format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, c.attname, c.relation, g.name,
              CASE WHEN bool_or(a.is_grantable) THEN ' WITH GRANT OPTION' ELSE '' END), NULL,
       format('REVOKE %s (%I) ON TABLE %s FROM %s CASCADE', a.privilege_type, c.attname, c.relation, g.name), '', 96, 0
  FROM columns c CROSS JOIN LATERAL aclexplode(c.attacl) a JOIN grantees g ON g.oid = a.grantee
 GROUP BY c.name, c.parent, c.attname, c.relation, a.privilege_type, g.name

UNION ALL
SELECT 'default privilege', format('%s on %s of %s%s to %s', a.privilege_type, lower(p.words), pg_get_userbyid(p.role),
                                   ' in ' || p.schema, g.name), NULL,
       CASE WHEN a.is_grantable THEN 'WITH GRANT OPTION' ELSE '' END,
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s GRANT %s ON %s TO %s%s', pg_get_userbyid(p.role), ' IN SCHEMA ' || quote_ident(p.schema),
              a.privilege_type, p.words, g.name, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), NULL,
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s ON %s FROM %s', pg_get_userbyid(p.role), ' IN SCHEMA ' || quote_ident(p.schema),
              a.privilege_type, p.words, g.name), '', 97, 0
  FROM default_privileges p CROSS JOIN LATERAL aclexplode(p.acl) a JOIN grantees g ON g.oid = a.grantee

UNION ALL
SELECT 'comment', parent, parent, description, format('COMMENT ON %s IS %L', on_sql, description),
       format('COMMENT ON %s IS %L', on_sql, description), format('COMMENT ON %s IS NULL', on_sql), '', 98, 0
  FROM comments
