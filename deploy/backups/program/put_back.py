"""Puts a copy in the place of the repository, as root in its container. What is there stays beside it."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import copies, pgbackrest, state
from .pgbackrest import BackupError
from .segments import SEGMENT_SIZE, Segment, segment_names

#: What has to be free beside the copy: WAL that is archived meanwhile.
_ROOM = 1024**3
_MIB = 1024**2


def put_back(name: str) -> None:
    """Have the repository be as it was when a copy was made. Raises `BackupError`.

    No job runs meanwhile. WAL that cannot be archived in the moment of the change is archived a moment later.
    """
    settings = pgbackrest.settings()
    if settings.get("repo1-type"):
        raise BackupError(
            f"the repository is not on this volume (repo1-type={settings['repo1-type']}); nothing can be put back there"
        )
    copy, repository = copies.place_of(name), Path(settings["repo1-path"])
    with _held():
        new = repository.with_name(f"{repository.name}.restoring")
        shutil.rmtree(new, ignore_errors=True)
        _refuse_without_room(copy, repository)
        _copy(copy, new)
        for stanza in pgbackrest.stanzas():
            _remember_ends(stanza, copy)
        kept = repository.with_name(f"{repository.name}.before-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
        if repository.exists():
            repository.rename(kept)
            print(f"what the repository had is kept as {kept}", flush=True)
        new.rename(repository)
    print(f"the repository is as it was copied at {name}", flush=True)


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """Have no job run. By a process of PostgreSQL's user, whose locks and folders they are."""
    with subprocess.Popen([sys.argv[0], "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None  # noqa: S101  asked for above
        assert holder.stdout is not None  # noqa: S101
        if holder.stdout.readline().strip() != "held":
            raise BackupError("the jobs cannot be held; what is above says why")
        with holder.stdin:
            yield


def _refuse_without_room(copy: Path, repository: Path) -> None:
    free = shutil.disk_usage(repository.parent).free
    needed = sum(path.lstat().st_size for path in copy.rglob("*")) + _ROOM
    if free < needed:
        raise BackupError(
            f"the copy needs {needed // _MIB} MiB, and the data volume has {free // _MIB} MiB left; give the repository more disk, or "
            f"remove what was there before (rm -r {repository}.before-…, or {repository} if that is of no use any more)"
        )


def _copy(copy: Path, new: Path) -> None:
    before = os.umask(0o027)
    try:
        subprocess.run(
            ["cp", "-rP", "--preserve=timestamps", "--no-preserve=mode,ownership", "--", str(copy), str(new)],
            check=True,
        )
    finally:
        os.umask(before)
    subprocess.run(["chown", "-hR", "postgres:postgres", "--", str(new)], check=True)
    subprocess.run(["sync", "-f", str(new)], check=True)


def _remember_ends(stanza: str, copy: Path) -> None:
    """Where the WAL of the copy ends: what was archived after it, and before it was put back, is lost for good."""
    ends = {*(state.recall(stanza, "put-back") or {}).get("ends", [])}
    for archive in (copy / "archive" / stanza).glob("*"):
        names = segment_names(str(path) for path in archive.rglob("*"))
        last: dict[int, Segment] = {}
        for segment in sorted(Segment.of(name, SEGMENT_SIZE) for name in names):
            last[segment.timeline] = segment
        ends |= {f"{archive.name}/{segment.name(SEGMENT_SIZE)}" for segment in last.values()}
    state.remember(stanza, "put-back", {"copy": copy.name, "at": int(time.time()), "ends": sorted(ends)})
