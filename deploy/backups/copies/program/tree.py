"""Copies a folder that belongs to somebody who is not trusted: root of the container may change it at any moment.

So nothing in it is followed anywhere, and no more is read of a file than its size said. What comes of it belongs to whoever
runs this, the host's root, and nobody may write it.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A pipe in place of a file would be waited for.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_PIECE = 1024**2
#: linux/fs.h: the target gets the source's blocks, and each its own from the first write on (XFS, Btrfs).
_FICLONE = 0x40049409
_NO_CLONES = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS}
#: What pgBackRest has not finished; it is renamed then.
_UNFINISHED = ".pgbackrest.tmp"


class CopyError(Exception):
    """Something could not be done; the message says what, and what helps."""


class Tree:
    """Copies one folder."""

    def __init__(self, room: Callable[[int], None]) -> None:
        """``room``: is told the bytes of each file before it is written, and raises `CopyError` if they are too many."""
        self._room = room
        self._can_clone = True
        self.copied = 0
        """Bytes that were written."""
        self.shared = 0
        """Files that are those of the earlier copy."""

    def copy(self, source: Path, target: Path, earlier: Path | None) -> None:
        """Copy ``source`` to ``target``, which is not there. A file that an earlier copy has with the same content is shared
        with that one. Raises `CopyError` and `OSError`.
        """
        target.mkdir(0o755)
        with _opened(source) as here, _opened(target) as there:
            if earlier is None:
                self._folder(here, there, None)
            else:
                with _opened(earlier) as before:
                    self._folder(here, there, before)

    def _folder(self, source: int, target: int, earlier: int | None) -> None:
        # From the last name to the first: WAL is added at the end. Whatever a later folder has was preceded by what the
        # earlier ones have by then.
        for name in sorted(os.listdir(source), reverse=True):
            if name.endswith(_UNFINISHED):
                continue
            kind = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
            if stat.S_ISDIR(kind):
                os.mkdir(name, 0o755, dir_fd=target)
                with _opened(name, source) as here, _opened(name, target) as there, _if_there(name, earlier) as before:
                    self._folder(here, there, before)
            elif stat.S_ISREG(kind):
                self._file(name, source, target, earlier)
            elif stat.S_ISLNK(kind):
                os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            else:
                raise CopyError(
                    f"{name!r} in the repository is neither a file nor a folder; find out who has put it there"
                )

    def _file(self, name: str, source: int, target: int, earlier: int | None) -> None:
        with _open(name, _FILE, source) as reading:
            size = os.fstat(reading).st_size
            if earlier is not None and _has(earlier, name, reading, size):
                self._share(name, earlier, target)
                self.shared += 1
                return
            self._room(size)
            with _open(name, _NEW, target, 0o600) as writing:
                _transfer(name, reading, writing, size)
                _finish(reading, writing)
            self.copied += size

    def _share(self, name: str, earlier: int, target: int) -> None:
        """Have the earlier copy's file: its blocks if the file system can, else the file itself."""
        if self._can_clone:
            try:
                with _open(name, _FILE, earlier) as reading, _open(name, _NEW, target, 0o600) as writing:
                    fcntl.ioctl(writing, _FICLONE, reading)
                    _finish(reading, writing)
                return
            except OSError as error:
                os.unlink(name, dir_fd=target)
                if error.errno not in _NO_CLONES:
                    raise
                self._can_clone = False
        os.link(name, name, src_dir_fd=earlier, dst_dir_fd=target, follow_symlinks=False)


@contextlib.contextmanager
def _open(name: str | Path, flags: int, folder: int | None = None, mode: int = 0) -> Iterator[int]:
    descriptor = os.open(name, flags, mode, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(name: str | Path, folder: int | None = None) -> contextlib.AbstractContextManager[int]:
    return _open(name, _FOLDER, folder)


@contextlib.contextmanager
def _if_there(name: str, folder: int | None) -> Iterator[int | None]:
    """A folder of an earlier copy; None if that has none of this name."""
    try:
        opened = None if folder is None else os.open(name, _FOLDER, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError, OSError) as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        opened = None
    try:
        yield opened
    finally:
        if opened is not None:
            os.close(opened)


def _has(earlier: int, name: str, reading: int, size: int) -> bool:
    """Whether an earlier copy has a file with this content. It is compared: root of the container can set any time of a file."""
    try:
        known = os.open(name, _FILE, dir_fd=earlier)
    except OSError:
        return False
    try:
        there = os.fstat(known)
        if not stat.S_ISREG(there.st_mode) or there.st_size != size:
            return False
        return all(
            os.pread(known, _PIECE, place) == os.pread(reading, min(_PIECE, size - place), place)
            for place in range(0, size, _PIECE)
        )
    finally:
        os.close(known)


def _transfer(name: str, reading: int, writing: int, size: int) -> None:
    place = 0
    while place < size:
        sent = os.sendfile(writing, reading, place, min(size - place, 16 * _PIECE))
        if not sent:
            raise CopyError(
                f"{name!r} in the repository became shorter while it was copied; is somebody at work there?"
            )
        place += sent


def _finish(reading: int, writing: int) -> None:
    written = os.fstat(reading)
    os.utime(writing, ns=(written.st_mtime_ns, written.st_mtime_ns))
    os.fchmod(writing, 0o444)
