"""Copies a folder that belongs to somebody who is not trusted: root of the container may change it at any moment.

So nothing in it is followed anywhere, and no more is read of a file than its size said. What comes of it belongs to whoever
runs this, the host's root, and nobody may write it. Whoever reads the copy later may follow links: so it has none that leads
out of its folder.
"""

import contextlib
import errno
import fcntl
import os
import re
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
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
_NO_CLONES = {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS}
#: The one link that pgBackRest makes: to the newest backup, beside it.
_LINK = re.compile(r"backup/[^/]+/latest")
_BACKUP = re.compile(r"[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?")
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
        self.unreadable = list[str]()
        """What the earlier copy has and cannot be read there: it was copied anew."""

    def copy(self, source: Path, target: Path, earlier: Path | None) -> None:
        """Copy ``source`` to ``target``, which is not there. A file that an earlier copy has with the same content is shared
        with that one. Raises `CopyError` and `OSError`.
        """
        target.mkdir(0o755)
        before = None if earlier is None else self._earlier(".", earlier, _FOLDER)
        with _closed(before), _opened(source) as here, _opened(target) as there:
            self._folder("", here, there, before)

    def _folder(self, folder: str, source: int, target: int, earlier: int | None) -> None:
        # From the last name to the first: WAL is added at the end. Whatever a later folder has was preceded by what the
        # earlier ones have by then.
        for name in sorted(os.listdir(source), reverse=True):
            if name.endswith(_UNFINISHED):
                continue
            path = f"{folder}{name}"
            kind = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
            if stat.S_ISDIR(kind):
                os.mkdir(name, 0o755, dir_fd=target)
                before = None if earlier is None else self._earlier(path, name, _FOLDER, earlier)
                with _closed(before), _opened(name, source) as here, _opened(name, target) as there:
                    self._folder(f"{path}/", here, there, before)
            elif stat.S_ISREG(kind):
                self._file(path, name, source, target, earlier)
            elif stat.S_ISLNK(kind):
                _link(path, name, source, target)
            else:
                raise CopyError(
                    f"{path!r} in the repository is neither a file nor a folder; find out who has put it there"
                )

    def _file(self, path: str, name: str, source: int, target: int, earlier: int | None) -> None:
        with _open(name, _FILE, source) as reading:
            size = os.fstat(reading).st_size
            if earlier is not None and self._has(path, name, earlier, reading, size):
                self._share(name, earlier, target)
                self.shared += 1
                return
            self._room(size)
            with _open(name, _NEW, target, 0o600) as writing:
                _transfer(name, reading, writing, size)
                _finish(reading, writing)
            self.copied += size

    def _has(self, path: str, name: str, earlier: int, reading: int, size: int) -> bool:
        """Whether an earlier copy has a file with this content. It is compared: root of the container can set any time of a file."""
        known = self._earlier(path, name, _FILE, earlier)
        if known is None:
            return False
        with _closed(known):
            there = os.fstat(known)
            if not stat.S_ISREG(there.st_mode) or there.st_size != size:
                return False
            for place in range(0, size, _PIECE):
                try:
                    piece = os.pread(known, _PIECE, place)
                except OSError as error:
                    self._note(path, error)
                    return False
                if piece != os.pread(reading, min(_PIECE, size - place), place):
                    return False
        return True

    def _earlier(self, path: str, name: str | Path, flags: int, earlier: int | None = None) -> int | None:
        """What an earlier copy has of this name; None if there is nothing like it that can be read."""
        try:
            return os.open(name, flags, dir_fd=earlier)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                self._note(path, error)
            return None

    def _note(self, path: str, error: OSError) -> None:
        self.unreadable.append(f"{path!r} ({error.strerror})")

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
def _closed(descriptor: int | None) -> Iterator[None]:
    """Close it in the end, if there is one."""
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _link(path: str, name: str, source: int, target: int) -> None:
    to = os.readlink(name, dir_fd=source)
    if not _LINK.fullmatch(path) or not _BACKUP.fullmatch(to):
        raise CopyError(
            f"{path!r} in the repository is a link, to {to!r}, that pgBackRest does not make: the copy would not have what is "
            "there; find out who has put it there"
        )
    os.symlink(to, name, dir_fd=target)


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
