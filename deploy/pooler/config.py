"""The texts of the pooler's files, and the function that it asks."""

from typing import Any, Final

from deploy.machine.render import render
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, EventStore
from deploy.model.logins import LOGIN_ROLES
from deploy.model.pooling import (
    MAX_CLIENTS,
    POOLED_PORT,
    POOLER_FOLDER,
    POOLER_ROLE,
    Pool,
    knows_prepared_statements,
)
from deploy.model.settings import Settings

FOLDER: Final = "/etc/event-store/pooler"
CONFIGURATION: Final = f"{FOLDER}/pgbouncer.ini"
ACCESS: Final = f"{FOLDER}/hba.conf"
COPY: Final = f"{FOLDER}/copy-certificate.sh"
UNIT_FILE: Final = "/etc/systemd/system/pgbouncer.service"
SCHEMA: Final = "event_store_pooler"
#: Of the socket of the server.
SERVER_FOLDER: Final = "/var/run/postgresql"
#: Files beside those of its clients and of its connections to the server: log, sockets, certificates.
_OTHER_FILES: Final = 100
#: No password has it: nobody knows a key whose hash is zero. In two pieces: whoever looks for verifiers in logs finds none.
_UNUSABLE: Final = f"'SCRAM-SHA-256' || '$4096:{'A' * 22}==${'A' * 43}=:{'A' * 43}='"
_NAMES: Final = ", ".join(f"'{role}'" for role in (APPLICATION_ROLE, *LOGIN_ROLES))
_SOURCE: Final = f"""
    SELECT known.name, coalesce((
           SELECT a.rolpassword
             FROM pg_catalog.pg_authid a
            WHERE a.rolname = known.name AND a.rolcanlogin AND NOT a.rolsuper AND a.rolpassword LIKE 'SCRAM-SHA-256%'
              AND (a.rolvaliduntil IS NULL OR a.rolvaliduntil > pg_catalog.now())), {_UNUSABLE})
      FROM unnest(ARRAY[{_NAMES}]) AS known(name)
     WHERE known.name = verifier.role_name
"""
#: Who may come in, and by which verifier: the application's roles as long as they are valid. Otherwise it is one that no
#: password has, and not none: PgBouncer remembers whom it has looked up, and takes who has no verifier for one without a
#: password. Its owner is the superuser, because nobody else may read verifiers; nobody but the pooler may call it.
LOOKUP: Final = f"""
    CREATE SCHEMA {SCHEMA};
    GRANT USAGE ON SCHEMA {SCHEMA} TO {POOLER_ROLE};
    CREATE FUNCTION {SCHEMA}.verifier(role_name text) RETURNS TABLE(role text, verifier text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $${_SOURCE}$$;
    REVOKE ALL ON FUNCTION {SCHEMA}.verifier FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION {SCHEMA}.verifier TO {POOLER_ROLE};
"""
#: As `LookupFact` describes it.
LOOKUP_THERE: Final[dict[str, Any]] = {
    "privileges": ["postgres=UC/postgres", f"{POOLER_ROLE}=U/postgres"],
    "functions": [
        [
            f"{SCHEMA}.verifier(text)",
            "TABLE(role text, verifier text)",
            _SOURCE,
            True,
            ["search_path=pg_catalog, pg_temp"],
            "postgres",
            ["postgres=X/postgres", f"{POOLER_ROLE}=X/postgres"],
        ]
    ],
}


def texts(container: EventStore, pool: Pool, settings: Settings) -> dict[str, str]:
    """Path → text of each file."""
    paths = ClusterPaths(container.version)
    return {
        COPY: render(
            "pooler/copy-certificate.sh.j2", user=POOLER_ROLE, tls=container.tls_files.folder, folder=POOLER_FOLDER
        ),
        ACCESS: render(
            "pooler/hba.conf.j2",
            database=DATABASE,
            roles=(APPLICATION_ROLE, *LOGIN_ROLES),
            networks=settings.client_networks(container),
        ),
        CONFIGURATION: render(
            "pooler/pgbouncer.ini.j2",
            database=DATABASE,
            server_folder=SERVER_FOLDER,
            server_port=PORT,
            port=POOLED_PORT,
            folder=POOLER_FOLDER,
            access=ACCESS,
            role=POOLER_ROLE,
            schema=SCHEMA,
            clients=MAX_CLIENTS,
            pool=pool,
            prepares=knows_prepared_statements(container.release),
        ),
        UNIT_FILE: render(
            "pooler/pgbouncer.service.j2",
            server=paths.unit,
            user=POOLER_ROLE,
            folder=POOLER_FOLDER,
            copy=f"/bin/sh {COPY}",
            configuration=CONFIGURATION,
            files=MAX_CLIENTS + pool.limit + _OTHER_FILES,
        ),
    }


def parameters(configuration: str) -> dict[str, str]:
    """What the file sets of the pooler itself: name → value."""
    lines = configuration.partition("[pgbouncer]")[2].splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
