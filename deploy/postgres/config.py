"""The texts of a PostgreSQL cluster's configuration."""

from typing import Final

from deploy.machine.render import render
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, WORKER_ROLE, EventStore
from deploy.model.logins import LOGIN_ROLES
from deploy.model.pooling import POOLER_ROLE
from deploy.model.settings import Settings

#: The map of pg_ident.conf by which the certificate of the application's role is good for its login roles as well.
_MAP: Final = "application"
#: What the application logs in with → the method of pg_hba.conf. With either certificate, its CN has to be the role; beside
#: a password PostgreSQL takes no map.
_METHODS: Final = {
    "password": "scram-sha-256",
    "password+certificate": "scram-sha-256 clientcert=verify-full",
    "certificate": f"cert map={_MAP}",
}
_DEFAULTS: Final = {
    "timezone": "Etc/UTC",
    "log_timezone": "Etc/UTC",
    "datestyle": "iso, mdy",
    "default_text_search_config": "pg_catalog.english",
    "lc_messages": "en_US.UTF-8",
    "lc_monetary": "en_US.UTF-8",
    "lc_numeric": "en_US.UTF-8",
    "lc_time": "en_US.UTF-8",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def postgresql_conf(container: EventStore) -> str:
    """The text of postgresql.conf."""
    return render(
        "postgres/postgresql.conf.j2",
        container=container,
        settings=(settings := container.server_settings),
        # The server does not care for the case of a name, and the last of two lines would win.
        defaults={name: value for name, value in _DEFAULTS.items() if name not in {key.lower() for key in settings}},
        paths=ClusterPaths(container.version),
        port=PORT,
    )


def pg_hba_conf(container: EventStore, settings: Settings) -> str:
    """The text of pg_hba.conf."""
    return render(
        "postgres/pg_hba.conf.j2",
        networks=settings.client_networks(container),
        database=DATABASE,
        role=APPLICATION_ROLE,
        worker=WORKER_ROLE,
        method=_METHODS[container.authentication],
        # It comes in from inside, and hands on what its clients have shown of their passwords.
        pooler=POOLER_ROLE if container.pool else "",
    )


def pg_ident_conf(container: EventStore) -> str:
    """The text of pg_ident.conf."""
    roles = (APPLICATION_ROLE, *LOGIN_ROLES) if container.authentication == "certificate" else ()
    return "".join(f"{_MAP}  {APPLICATION_ROLE}  {role}\n" for role in roles)


def changed_settings(before: str, after: str) -> set[str]:
    """The names of the settings that differ between two texts of postgresql.conf."""
    return {name for name, _ in _assignments(before) ^ _assignments(after)}


def _assignments(text: str) -> set[tuple[str, str]]:
    lines = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {(name.strip().lower(), value.strip()) for name, separator, value in lines if separator}
