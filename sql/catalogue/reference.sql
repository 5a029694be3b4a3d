-- Records the catalogue that the files of this checkout make on this server: creates a scratch database, runs the files
-- there, keeps the snapshot, drops the database. It is not one transaction, because CREATE DATABASE refuses that.
SET client_min_messages = warning;
SET search_path = pg_catalog;
SELECT format('DROP DATABASE IF EXISTS %I', datname) FROM (
/* leftovers.sql */
) leftovers \gexec
SELECT current_database() AS store,
       'event_store_reference_' || left('/* digest */', 8) || '_' || pg_backend_pid() AS scratch \gset
-- CONNECTION LIMIT 0: nobody but the superuser gets in.
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L CONNECTION LIMIT 0',
              :'scratch', pg_encoding_to_char(encoding), datcollate, datctype)
  FROM pg_database WHERE datname = :'store' \gexec
GRANT CREATE ON DATABASE :"scratch" TO event_store_owner;
\connect :"scratch"
SET client_min_messages = warning;
SET synchronous_commit = off;
BEGIN;
-- Functions may call each other, whatever their order in the files.
SET LOCAL check_function_bodies = off;
/* build */
COMMIT;
SET search_path = pg_catalog;
SET quote_all_identifiers = off;
SELECT json_agg(s) AS objects FROM (
/* snapshot.sql */
) s \gset
\connect :"store"
SET client_min_messages = warning;
-- Before the reference is stored: if the run is killed in between, the next run builds it again, and finds nothing left
-- over.
DROP DATABASE IF EXISTS :"scratch" WITH (FORCE);
BEGIN;
SET LOCAL lock_timeout = '1min';
DO $$ BEGIN PERFORM pg_advisory_xact_lock(/* lock */); END $$;
/* ledger.sql */
-- References of earlier versions are kept: a rollback to one of them needs its reference.
DELETE FROM deployment.reference
 WHERE reference_key = /* reference key */
    OR built_at >= (SELECT max(applied_at) FROM deployment.migrations);
INSERT INTO deployment.reference (reference_key, objects) VALUES (/* reference key */, :'objects');
COMMIT;
