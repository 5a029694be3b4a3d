-- What the deployment remembers about this database. Owned by the superuser, so that neither the application nor the
-- owner of the store can rewrite its own history. Idempotent: it stands in front of every script that needs it.

CREATE SCHEMA IF NOT EXISTS deployment;

CREATE TABLE IF NOT EXISTS deployment.migrations (
    version    integer     NOT NULL CONSTRAINT migrations_pkey PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The catalogue as this checkout makes it on this server: one row, its key names the checkout and the server version.
-- The objects are one jsonb value, so that a later checkout may describe objects differently without a migration.
CREATE TABLE IF NOT EXISTS deployment.reference (
    reference_key text        NOT NULL CONSTRAINT reference_pkey PRIMARY KEY,
    objects       jsonb       NOT NULL,
    built_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
