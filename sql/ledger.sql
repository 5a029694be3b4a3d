-- What the deployment remembers about this database. Owned by the superuser, so that neither the application nor the
-- owner of the store can rewrite its own history. Idempotent: it stands in front of every script that needs it.

CREATE SCHEMA IF NOT EXISTS deployment;

CREATE TABLE IF NOT EXISTS deployment.migrations (
    version    integer     NOT NULL CONSTRAINT migrations_pkey PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The catalogue as a checkout makes it on this server, one row for each last migration: of this checkout, and of those that
-- were deployed before it. The key names the checkout, the server's version, and how objects are described.
-- The objects are one jsonb value, so that a later checkout may describe objects differently without a migration.
CREATE TABLE IF NOT EXISTS deployment.reference (
    reference_key text        NOT NULL CONSTRAINT reference_pkey PRIMARY KEY,
    objects       jsonb       NOT NULL,
    built_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
