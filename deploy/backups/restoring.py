"""Operations for a restore: the data of an event store as its repository has them, in its place or in a copy's container."""

import base64
from collections.abc import Mapping
from typing import Final

from pyinfra.api import FactBase, QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.backups.config import fetch_command
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.progress import working
from deploy.machine.psql import AS_POSTGRES
from deploy.machine.records import Difference
from deploy.machine.render import render
from deploy.model.cluster import VOLUME, ClusterPaths
from deploy.model.pooling import POOLER_UNIT
from deploy.model.sizes import MIB

#: Keeps a server from starting on restored data that have not replayed everything.
_BLOCK: Final = "/etc/systemd/system/postgresql@.service.d/event-store-restore.conf"
#: In the data of a copy: whose they are, and from where.
_OF_COPY: Final = "copied_by_event_store"
#: What has to be free beside the restored data and the WAL that a recovery keeps.
_ROOM: Final = 256 * MIB


def leftovers(paths: ClusterPaths) -> list[str]:
    """What only a restore that was cut off leaves."""
    return [f"{paths.data}.restored", f"{paths.data}.restoring", f"{paths.data}/restored_by_event_store", _BLOCK]


def mark_of_copy(paths: ClusterPaths) -> str:
    """The file that tells the data of a copy from all others."""
    return f"{paths.data}/{_OF_COPY}"


class Free(FactBase[int]):
    """The bytes that there are for restored data: free ones, and those of a restore that was cut off, which makes way."""

    @staticmethod
    def default() -> int:
        """A blank machine."""
        return 0

    def command(self, volume: str, data: str) -> str:
        """Numbers, the first one behind a head."""
        return (
            f"df --block-size=1 --output=avail -- {volume}; du -sb {data}.restoring 2>/dev/null | cut -f1; "
            f"[ ! -e {data}.restored/restored_by_event_store ] || du -sb {data}.restored | cut -f1"
        )

    def process(self, output: list[str]) -> int:
        """See `command`."""
        return sum(map(int, output[1:]))


class Replaced(FactBase[dict[str, int]]):
    """The data that restores have replaced, and that are kept until they are discarded: path → bytes."""

    @staticmethod
    def default() -> dict[str, int]:
        """None."""
        return {}

    def command(self, data: str) -> str:
        """The size of each folder."""
        return f"du -sb -- {data}.before-* 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, int]:
        """See `command`."""
        return {path: int(size) for size, _, path in sorted(line.partition("\t") for line in output)}


@operation()
def settle(stanza: str, paths: ClusterPaths) -> Commands:
    """Put in order what a restore has left that was cut off: restored data that have not replayed everything make way."""
    there: dict[str, Entry] = look(Entries, paths=leftovers(paths))
    report(Difference(path, "left by a restore that was cut off") for path in there)
    if there:
        yield StringCommand("sh -s", _stdin=_script(stanza, paths, None))
    else:
        host.noop("no restore was cut off")


@operation()
def restore(stanza: str, paths: ClusterPaths, target: Mapping[str, str], wal: int, copy: str) -> Commands:
    """Replace the data by those of a backup and the WAL after it, up to a place in the WAL; nothing of the old ones is lost.

    ``copy``: what the data of a copy say of themselves, which make way for those of the next one; empty for a restore in place.

    ``target``: ``label`` of the backup, its ``bytes``, ``timeline``, and ``lsn``: the first record that is not replayed any
    more, or empty for all that was archived. ``wal``: the bytes that WAL may take. The server is stopped afterwards, and so is
    whatever uses it. If anything fails, the old data are in their place.
    """
    free: int = look(Free, volume=VOLUME, data=paths.data)
    needed = int(target["bytes"]) + wal + _ROOM
    if free < needed:
        yield refuse(
            f"the restored data need {needed // MIB} MiB beside the old ones, and the data volume has {free // MIB} MiB left; "
            "give the container more disk, or discard data that an earlier restore has replaced"
        )
        return
    report([Difference(f"cluster {paths.data}", f"to be restored from backup {target['label']}")])
    with working(f"restoring {int(target['bytes']) // MIB} MiB"):
        yield StringCommand("sh -s", _stdin=_script(stanza, paths, target, copy))


def _script(stanza: str, paths: ClusterPaths, target: Mapping[str, str] | None, copy: str = "") -> str:
    return render(
        "backups/restore.sh.j2",
        stanza=stanza,
        paths=paths,
        target=target,
        copy=base64.b64encode(copy.encode()).decode(),
        mark_of_copy=_OF_COPY,
        fetch=fetch_command(f"pgbackrest --stanza={stanza}"),
        pooler=POOLER_UNIT,
        as_postgres=AS_POSTGRES,
        block=_BLOCK,
    )


@operation()
def discard(paths: ClusterPaths) -> Commands:
    """Remove the data that restores have replaced."""
    there: dict[str, int] = look(Replaced, data=paths.data)
    report(Difference(path, "to be removed") for path in there)
    if there:
        yield StringCommand("rm -rf --", *map(QuoteString, there))
