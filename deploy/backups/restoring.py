"""Operations for a restore in place: the data of an event store as its repository has them."""

from collections.abc import Mapping
from typing import Final

from pyinfra.api import FactBase, QuoteString, StringCommand, operation

from deploy.machine.differences import Commands, refuse, report
from deploy.machine.look import look
from deploy.machine.progress import working
from deploy.machine.psql import AS_POSTGRES
from deploy.machine.records import Difference
from deploy.machine.render import render
from deploy.model.cluster import VOLUME, ClusterPaths
from deploy.model.pooling import POOLER_UNIT

#: What has to be free beside the restored data, for the WAL that is replayed.
_ROOM: Final = 1024**3


class Free(FactBase[int]):
    """The bytes that a file system has left for everybody."""

    @staticmethod
    def default() -> int:
        """A blank machine."""
        return 0

    def command(self, path: str) -> StringCommand:
        """df's own reckoning."""
        return StringCommand("df --block-size=1 --output=avail --", QuoteString(path))

    def process(self, output: list[str]) -> int:
        """A head, then the number."""
        return int(output[1])


class Replaced(FactBase[list[str]]):
    """The data that restores have replaced, and that are kept until they are discarded."""

    @staticmethod
    def default() -> list[str]:
        """None."""
        return []

    def command(self, data: str) -> str:
        """Their folders."""
        return f"ls -d {data}.before-* 2>/dev/null || true"

    def process(self, output: list[str]) -> list[str]:
        """A path in each line."""
        return sorted(output)


@operation()
def restore(stanza: str, paths: ClusterPaths, target: Mapping[str, str]) -> Commands:
    """Replace the data by those of a backup and the WAL after it, up to a place in the WAL; nothing of the old ones is lost.

    ``target``: ``label`` of the backup, its ``bytes``, ``timeline``, and ``lsn``: the first record that is not replayed any
    more, or empty for all that was archived. The server is stopped afterwards, and so is whatever uses it. If anything
    fails, the old data are in their place.
    """
    free: int = look(Free, path=VOLUME)
    needed = int(target["bytes"]) + _ROOM
    if free < needed:
        yield refuse(
            f"the restored data need {needed // 1024**2} MiB beside the old ones, and the data volume has {free // 1024**2} MiB "
            f"left; give the container more disk, or discard data that an earlier restore has replaced"
        )
        return
    report([Difference(f"cluster {paths.data}", f"to be restored from backup {target['label']}")])
    script = render(
        "backups/restore.sh.j2", stanza=stanza, paths=paths, target=target, pooler=POOLER_UNIT, as_postgres=AS_POSTGRES
    )
    with working(f"restoring {int(target['bytes']) // 1024**2} MiB"):
        yield StringCommand("sh -s", _stdin=script)


@operation()
def discard(paths: ClusterPaths) -> Commands:
    """Remove the data that restores have replaced."""
    there: list[str] = look(Replaced, data=paths.data)
    report(Difference(path, "to be removed") for path in there)
    if there:
        yield StringCommand("rm -rf --", *map(QuoteString, there))
