"""Backups: which repository an event store has, and what its server does for that."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import Field

from deploy.model.containers import Container

#: Where pgBackRest listens, in an event store and in its repository.
BACKUP_PORT: Final = 8432
#: Debian's unit of the process that listens.
BACKUP_UNIT: Final = "pgbackrest.service"
CONFIGURATION: Final = "/etc/pgbackrest/pgbackrest.conf"
#: After so many seconds what was written is sent to the repository, also if it fills no segment.
ARCHIVE_TIMEOUT: Final = 30
_OWNED: Final = ("archive_mode", "archive_command", "archive_library")


class BackedUp(Container):
    """The keys of an event store that say where its backups are."""

    backup_repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")] | None = Field(
        default=None,
        json_schema_extra={
            "change": "live, server restart: pgBackRest is installed. The server begins to archive its WAL there, or ends it. The first full backup starts by "
            "itself. What an earlier repository has stays there."
        },
    )
    """LXC's name of the container in group ``backup_repositories`` that keeps the backups, which has to be of the same
    release. See [backups](operations/backups.md). Default: none."""


def archive_settings(stanza: str) -> dict[str, str]:
    """What the server of an event store sets if it is backed up. ``stanza``: its name in the repository."""
    return {
        "archive_mode": "on",
        "archive_command": f"pgbackrest --stanza={stanza} archive-push %p",
        "archive_timeout": f"{ARCHIVE_TIMEOUT}s",
    }


def archive_problems(settings: Mapping[str, object], repository: str | None) -> list[str]:
    """What is wrong with the settings that an operator gives, if there is a repository."""
    return (
        [f'"{name}": not to be overridden: backup_repository = {repository!r} sets it' for name in _given(settings)]
        if repository
        else []
    )


def _given(settings: Iterable[str]) -> list[str]:
    return [name for name in settings if name.lower() in _OWNED]
