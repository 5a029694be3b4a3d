"""Puts a copy in the place of the repository, as root in its container. What is there stays beside it."""

import contextlib
import ctypes
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
#: linux/fs.h, linux/fcntl.h
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def put_back(name: str) -> None:
    """Have the repository be as it was when a copy was made. Raises `BackupError`.

    No job runs meanwhile. Whatever ends this, there is a whole repository: as it was, or as it was copied.
    """
    settings = pgbackrest.settings()
    if settings.get("repo1-type"):
        raise BackupError(
            f"the repository is not on this volume (repo1-type={settings['repo1-type']}); nothing can be put back there"
        )
    copy, repository = copies.place_of(name), Path(settings["repo1-path"])
    if doubt := copies.doubt_of(name):
        print(f"warning: {doubt}; it is put back because it was named", file=sys.stderr, flush=True)
    with _held() as holder:
        new = repository.with_name(f"{repository.name}.restoring")
        shutil.rmtree(new, ignore_errors=True)
        _refuse_without_room(copy, repository)
        try:
            _copy(copy, new)
            if holder.poll() is not None:
                raise BackupError("the jobs were not held to the end; the repository is as it was")
            for stanza in pgbackrest.stanzas():
                _remember_ends(stanza, copy)
            _put(new, repository)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
    print(f"the repository is as it was copied at {name}", flush=True)


@contextlib.contextmanager
def _held() -> Iterator["subprocess.Popen[str]"]:
    """Have no job run. By a process of PostgreSQL's user, whose locks and folders they are."""
    with subprocess.Popen([sys.argv[0], "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None  # noqa: S101  asked for above
        assert holder.stdout is not None  # noqa: S101
        if holder.stdout.readline().strip() != "held":
            raise BackupError("the jobs cannot be held; what is above says why")
        with holder.stdin:
            yield holder


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
        _run("cp", "-rP", "--preserve=timestamps", "--no-preserve=mode,ownership", "--", str(copy), str(new))
    finally:
        os.umask(before)
    _run("chown", "-hR", "postgres:postgres", "--", str(new))
    _run("sync", "-f", str(new))


def _run(*command: str) -> None:
    status = subprocess.run(command, check=False).returncode
    if status:
        raise BackupError(f"the copy cannot be written: {command[0]} ended with {status}; the repository is as it was")


def _put(new: Path, repository: Path) -> None:
    """Have it in the place of the repository, in one step."""
    if repository.exists():
        kept = repository.with_name(f"{repository.name}.before-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
        # What is under this name no run removes: so the old repository is never under any other.
        new.rename(kept)
        try:
            _exchange(kept, repository)
        except OSError:
            kept.rename(new)
            raise
        print(f"what the repository had is kept as {kept}", flush=True)
    else:
        new.rename(repository)
    folder = os.open(repository.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))


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
