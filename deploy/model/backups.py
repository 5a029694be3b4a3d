"""Backups: which repository an event store has, or whose backups it is made of, and what its server does for that."""

from collections.abc import Iterable
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
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"


class BackedUp(Container):
    """The keys of an event store that say where its backups are, or whose backups are restored into it."""

    backup_repository: Annotated[str, Field(pattern=_NAME)] | None = Field(
        default=None,
        json_schema_extra={
            "change": "live, server restart: pgBackRest is installed. The server begins to archive its WAL there, or ends it. The first full backup starts by "
            "itself. What an earlier repository has stays there."
        },
    )
    """LXC's name of the container in group ``backup_repositories`` that keeps the backups, which has to be of the same
    release. See [backups](operations/backups.md). Default: none."""

    copy_of: Annotated[str, Field(pattern=_NAME)] | None = Field(
        default=None,
        json_schema_extra={
            "change": "live, server restart: The worker stops, and the server archives nothing any more. What is in the container stays until "
            "``make restore INTO=`` replaces it, which refuses events that are no copy."
        },
    )
    """LXC's name of the event store whose backups ``make restore INTO=`` restores into this container. It is a copy then: it has no
    worker, archives nothing, and is not backed up. See [into another container](operations/backups.md#into-another-container).
    Default: none."""

    @property
    def reads_backups(self) -> bool:
        """Whether it has to reach a repository."""
        return bool(self.backup_repository or self.copy_of)

    @property
    def archive_settings(self) -> dict[str, str]:
        """What the server sets about its archive."""
        if self.copy_of:
            return {"archive_mode": "off"}
        if not self.backup_repository:
            return {}
        return {
            "archive_mode": "on",
            "archive_command": f"pgbackrest --stanza={self.lxc_name} archive-push %p",
            "archive_timeout": f"{ARCHIVE_TIMEOUT}s",
        }

    def archive_problems(self, settings: Iterable[str]) -> list[str]:
        """What is wrong with the settings that an operator gives, if it is backed up or a copy."""
        if not self.reads_backups:
            return []
        why = f"copy_of = {self.copy_of!r}" if self.copy_of else f"backup_repository = {self.backup_repository!r}"
        return [f'"{name}": not to be overridden: {why} sets it' for name in settings if name.lower() in _OWNED]
