"""Objects of the application's own that take the place of PostgreSQL's, for whoever looks for names in its schema."""

from typing import Final

#: What a trap raises when it runs as anybody but the application.
SPRUNG: Final = "ZZ001"

#: Functions, operators and types under the names that the store's functions use, and tables under the names of its own.
#: In the application's name each gives NULL, so that its session goes on.
SET_TRAPS: Final = """
CREATE SCHEMA mine;
CREATE FUNCTION mine.is_mine() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $f$
BEGIN
    IF current_user <> 'stock_analysis_user' THEN
        RAISE EXCEPTION 'sprung by %', current_user USING ERRCODE = 'ZZ001';
    END IF;
    RETURN true;
END
$f$;
GRANT USAGE ON SCHEMA mine TO PUBLIC;
DO $do$
DECLARE
    body text := 'BEGIN PERFORM mine.is_mine(); RETURN%s; END';
    item record;
BEGIN
    FOR item IN
        SELECT format('%I(%s) RETURNS %s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) AS head,
               CASE WHEN p.proretset OR p.prorettype = 'void'::regtype THEN '' ELSE ' NULL' END AS value
          FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
           AND p.proname IN (
                   SELECT m[1]
                     FROM pg_proc s, regexp_matches(lower(s.prosrc), '([a-z_0-9]+) *[(]', 'g') m
                    WHERE s.pronamespace IN ('event_store'::regnamespace, 'projections'::regnamespace))
    LOOP
        BEGIN
            EXECUTE format('CREATE FUNCTION mine.%s LANGUAGE plpgsql SET search_path = pg_catalog AS %L',
                           item.head, format(body, item.value));
        EXCEPTION WHEN OTHERS THEN
            -- Arguments that no function of a user can have.
        END;
    END LOOP;

    FOR item IN
        SELECT o.oid, o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
          FROM pg_operator o
         WHERE o.oprname IN ('=', '<>', '<', '<=', '>', '>=', '||', '+', '-', '*', '/', '->', '->>', '#>', '#>>', '@>', '?',
                             '@?', '~', '~~')
           AND o.oprleft = ANY (ARRAY['text', 'name', 'integer', 'bigint', 'smallint', 'boolean', 'uuid', 'jsonb', 'xid8',
                                      'bytea', 'interval', 'timestamptz', 'oid', 'numeric', 'anyarray']::regtype[])
           AND o.oprright <> 0 AND o.oprnamespace = 'pg_catalog'::regnamespace
    LOOP
        EXECUTE format('CREATE FUNCTION mine.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog AS %L',
                       item.oid, item.l, item.r, item.result, format(body, ' NULL'));
        EXECUTE format('CREATE OPERATOR mine.%s (FUNCTION = mine.operator_%s, LEFTARG = %s, RIGHTARG = %s)',
                       item.oprname, item.oid, item.l, item.r);
    END LOOP;

    FOR item IN SELECT unnest(ARRAY['uuid', 'jsonb', 'text', 'xid8', 'bytea', 'timestamptz', 'name']) AS name LOOP
        EXECUTE format('CREATE DOMAIN mine.%I AS pg_catalog.%I CHECK (mine.is_mine())', item.name, item.name);
    END LOOP;

    FOR item IN
        SELECT c.relname, s.schema
          FROM pg_class c CROSS JOIN (VALUES ('mine'), ('pg_temp')) AS s (schema)
         WHERE c.relnamespace IN ('event_store'::regnamespace, 'projections'::regnamespace) AND c.relkind IN ('r', 'v', 'm')
           AND has_table_privilege(c.oid, 'SELECT')
         ORDER BY s.schema, c.relname
    LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %s.%I (row pg_catalog.text CHECK (mine.is_mine()))', item.schema, item.relname);
    END LOOP;
END
$do$;
"""
#: An argument of each type that a function of the store takes.
SAMPLES: Final = {
    "text": "'sample'",
    "uuid": "'6f1c2a4e-0000-4000-8000-000000000001'",
    "jsonb": '\'[{"event_type": "Sample", "event_data": {}}]\'',
    "integer": "1",
    "bigint": "1",
    "xid8": "'3'",
    "boolean": "true",
    "interval": "'1 day'",
    "timestamp with time zone": "'2026-01-01'",
    "text[]": "'{sample}'",
    "bytea": "''",
    "bytea[]": "'{}'",
    "event_store.events": "(SELECT e FROM event_store.events e LIMIT 1)",
}
