-- What the deployment remembers about this database. The superuser owns it, so that neither the application nor the
-- owner of the store can rewrite its own history. It is idempotent, because it comes before every script that needs it.

CREATE SCHEMA IF NOT EXISTS deployment;

CREATE TABLE IF NOT EXISTS deployment.migrations (
    version    integer     NOT NULL CONSTRAINT migrations_pkey PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The catalogue that the files of a checkout make on this server: one row for the newest migration of this checkout,
-- and one for each version that was deployed before. The key names the checkout, the server's version, and how objects
-- are described. The objects are one jsonb value, so that a later checkout can describe objects differently without a
-- migration.
CREATE TABLE IF NOT EXISTS deployment.reference (
    reference_key text        NOT NULL CONSTRAINT reference_pkey PRIMARY KEY,
    objects       jsonb       NOT NULL,
    built_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
