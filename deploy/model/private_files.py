"""Files on the operator's machine that nobody else may read, replaced as a whole and by one process at a time."""

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: Seconds until a lock is tried again.
_PAUSE: Final = 0.01


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock between reading and replacing ``path``, which cannot be locked itself: it is replaced.

    flock belongs to the open file, so it also separates the greenlets of one process. It is tried again and again: waiting in
    the kernel would block the thread of the greenlet that has to release it, which may be waiting for a program.
    """
    # The one around as well: with none there, `make ca` makes .secrets.
    path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _taken(descriptor):
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def replace(path: Path, content: bytes) -> None:
    """Write a file with mode 0600; it is on the disk, whole, before this returns."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def open_to_others(path: Path, mode: str) -> str | None:
    """Why the permissions of ``path`` will not do, and how to mend them (``mode``); None if they will.

    Raises `FileNotFoundError`.
    """
    found = stat.S_IMODE(path.stat().st_mode)
    if not found & 0o077:
        return None
    return f"{path} has mode {found:04o}, others can read it; run `chmod {mode} {path}`"
