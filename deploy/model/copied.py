"""Copies of a repository, made by its LXC host to where no container can write."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field, JsonValue

from deploy.model.object_storage import ObjectStorage
from deploy.model.sizes import GIB
from deploy.model.values import Disk

#: Where the repository's container sees the copies.
COPIES: Final = "/srv/copies"
#: As systemd.time(7) says it. What else it may contain, systemd in the container says.
Schedule: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9*:,./~ -]+$")]
RESCHEDULED: Final[dict[str, JsonValue]] = {"change": "live: The timer follows."}


class Copied(ObjectStorage):
    """The keys of a repository that say how it is copied."""

    copy_schedule: Schedule = Field(default="*-*-* 03:00", json_schema_extra=RESCHEDULED)
    """When the LXC host copies the repository to where no container can write, in UTC. See
    [copies](operations/backup-copies.md)."""

    keep_copies: int = Field(
        default=14, ge=2, le=1000, json_schema_extra={"change": "live: It counts for the next copy."}
    )
    """How many verified copies are kept. An older one is removed only after a newer one was verified, and never the last
    one that a drill has restored."""

    copies_folder: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_.-]+)+$")] | None = Field(
        default=None,
        json_schema_extra={
            "change": "container restart: The next copy is made there, with nothing to share files with. Those in the old "
            "folder stay, and are not looked at any more."
        },
    )
    """The folder on the LXC host that the copies are kept in: it has to be there, best on a disk of its own. Default:
    ``copies`` in the host's ``storage_path``."""

    copies_leave_free: Disk = Field(default=5 * GIB, json_schema_extra={"change": "live: It counts for the next copy."})
    """So much of the file system that the copies are on stays free. A copy that would leave less is not made, no older one
    is removed for it, and ``make status`` says so."""

    @property
    def is_copied(self) -> bool:
        """Whether it is where its host can copy it: not in a bucket."""
        return self.s3_bucket is None

    def copies(self, storage: str) -> str:
        """The folder of its copies; ``storage``: its LXC host's path."""
        return f"{self.copies_folder or f'{storage}/copies'}/{self.lxc_name}"

    def read_only_mounts(self, storage: str) -> dict[str, str]:
        """Its copies, which it has the key for: it verifies them, and restores from them. Also those from before it had a bucket."""
        return {f"{self.copies(storage)}/dated": COPIES}
