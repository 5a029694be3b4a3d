"""Group ``backup_repositories``: a container that keeps the backups of event stores."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from deploy.model.cluster import POSTGRESQL_OF_RELEASE
from deploy.model.copied import RESCHEDULED, Copied, Schedule
from deploy.model.providers import PATTERN
from deploy.model.sizes import GIB
from deploy.model.tls_files import Identity, TlsFiles
from deploy.model.values import Disk

VOLUME: Final = "/srv/backups"
#: What a drill needs beside the data of an event store (`_ROOM` of the program's scratch.py).
DRILL_ROOM: Final = GIB
#: The name of the entry, among the passwords, with what the repository is encrypted with.
KEY_ENTRY: Final = "backup_repository"


class BackupRepository(Copied):
    """A container that keeps the backups of event stores."""

    group: ClassVar[str] = "backup_repositories"
    kind: ClassVar[str] = "backup repository"
    volume_path: ClassVar[str] = VOLUME
    image_setup: ClassVar[str | None] = "postgres/image-setup.sh.j2"
    changes: ClassVar[Mapping[str, str]] = {
        "address": "container restart: The event stores that are backed up here follow.",
        "release": "refused: pgBackRest has to be of the same version as in the event stores. See "
        "[a new Debian release](operations/updates.md#a-new-debian-release).",
    }

    disk: Disk = Field(
        default=60 * GIB,
        json_schema_extra={
            "change": "live, container restart, refused: It grows live. The container restarts only if root may not "
            "resize what is mounted, as inside some virtual machines; the plan says which. A smaller size is refused."
        },
    )
    """Size of the data volume, at least 1GiB more than that of the largest event store that names this repository. It holds the
    backups and the WAL of all of them, and the copy of one that a drill restores. It can grow, also while the container runs. It never shrinks."""

    secrets: Annotated[str, Field(pattern=PATTERN)] = Field(
        default="file", json_schema_extra={"change": "nothing: Move the entry by hand before: nothing is copied."}
    )
    """Where the key is kept that the repository is encrypted with, as for the passwords of an event store. See
    [passwords](operations/passwords.md)."""

    full_schedule: Schedule = Field(default="Sun *-*-* 01:30", json_schema_extra=RESCHEDULED)
    """When full backups are made, as ``systemd.time`` says it."""

    differential_schedule: Schedule = Field(default="Mon..Sat *-*-* 01:30", json_schema_extra=RESCHEDULED)
    """When differential backups are made: what has changed since the last full one."""

    incremental_schedule: Schedule = Field(default="*-*-* 05..21/4:30", json_schema_extra=RESCHEDULED)
    """When incremental backups are made: what has changed since the last backup of any kind."""

    verify_schedule: Schedule = Field(default="Sat *-*-* 04:00", json_schema_extra=RESCHEDULED)
    """When everything in the repository is read and checked."""

    drill_schedule: Schedule = Field(default="Sun *-*-* 05:00", json_schema_extra=RESCHEDULED)
    """When the newest backup of each event store is restored into a scratch cluster, and checked."""

    keep_full: int = Field(
        default=4,
        ge=1,
        le=1000,
        json_schema_extra={"change": "live: It counts for the next backup, which removes what is not kept any more."},
    )
    """How many full backups are kept, each with what builds on it, and with all WAL since the oldest of them. So a store
    can be restored to any moment after the oldest one."""

    keep_differential: int = Field(
        default=14,
        ge=1,
        le=1000,
        json_schema_extra={"change": "live: It counts for the next backup, which removes what is not kept any more."},
    )
    """How many differential backups are kept, each with the incremental ones that build on it."""

    @property
    def software(self) -> str:
        """What backs up, and what it is made for."""
        return f"pgBackRest for PostgreSQL {self.version}"

    @property
    def version(self) -> int:
        """PostgreSQL's major version in the event stores."""
        return POSTGRESQL_OF_RELEASE[self.release]

    @property
    def compares_blocks(self) -> bool:
        """Whether its pgBackRest keeps only the changed blocks of a file in an incremental backup, and does so reliably."""
        return self.release != "bookworm"

    @property
    def tls_files(self) -> TlsFiles:
        """Where the certificate is by which event stores know it."""
        return TlsFiles(f"{VOLUME}/peer", "postgres")

    @property
    def identities(self) -> list[Identity]:
        """One that it and the event stores know each other by."""
        return [Identity(self.tls_files, (self.lxc_name,), "peer")]

    @property
    def required_packages(self) -> set[str]:
        """Also pgBackRest, Python for the programs that use it, and the PostgreSQL of the event stores, for drills."""
        server = {
            f"postgresql-{self.version}",
            f"postgresql-client-{self.version}",
            f"postgresql-plpython3-{self.version}",
        }
        return super().required_packages | server | {"pgbackrest", "python3", "python3-jsonschema", "zstd"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.address == "dhcp":
            raise ValueError('address = "dhcp": event stores reach a repository by its address; give a static one')
        return self
