"""The dated copies of one repository, in a folder of the host."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .names import FORM, UNFINISHED, UNPROVEN, day_of, is_proven, made_at
from .tree import CopyError, Tree

#: Of the folder, what the container sees.
SHOWN = "dated"
_MIB = 1024**2


class Copies:
    """The copies in one folder."""

    def __init__(self, folder: Path, leave_free: int) -> None:
        """``leave_free``: so many bytes of the file system are for others."""
        self._folder, self._leave_free = folder, leave_free
        self.shown, self.state = folder / SHOWN, folder / "state.json"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder. Raises `CopyError` if another run has it."""
        if not self.shown.is_dir():
            raise CopyError(f"{self.shown} is not there; is its disk mounted? `make deploy` makes the folder")
        with (self._folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError("another copy is being made; wait until that is done") from None
            yield

    def names(self) -> list[str]:
        """All whole ones, the oldest first."""
        return sorted(path.name for path in self._there() if _is_copy(path) and path.suffix != UNFINISHED)

    def strangers(self) -> list[str]:
        """What else is there and is no copy. Nothing is done with it."""
        return sorted(path.name for path in self._there() if not _is_copy(path))

    def _there(self) -> list[Path]:
        return [*self.shown.iterdir()] if self.shown.is_dir() else []

    def make(self, source: Path, check: Callable[[], None]) -> str:
        """Make one; its name. Nothing of it is left if that fails, or if ``check`` says afterwards that it is no good.

        Raises `CopyError` and `OSError`.
        """
        earlier = self.names()
        name = _next(earlier)
        target = self.shown / f"{name}{UNFINISHED}"
        tree = Tree(self._refuse_without_room)
        try:
            tree.copy(source, target, self.shown / earlier[-1] if earlier else None)
            subprocess.run(["sync", "-f", str(target)], check=True)
            check()
        except subprocess.CalledProcessError as error:
            shutil.rmtree(target, ignore_errors=True)
            raise CopyError(f"{target} could not be written to the disk: sync ended with {error.returncode}") from None
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        for path in tree.unreadable:
            print(f"{earlier[-1]}: {path} cannot be read any more, and was copied anew; look at the disk", flush=True)
        print(f"{name}: {tree.copied // _MIB} MiB written, {tree.shared} files as in the copy before", flush=True)
        return self.move(target.name, f"{name}{UNPROVEN}")

    def _refuse_without_room(self, size: int) -> None:
        free = self.free()
        if free - size < self._leave_free:
            raise CopyError(
                f"the file system of {self._folder} has {free // _MIB} MiB left, of which {self._leave_free // _MIB} MiB are to "
                "stay free (copies_leave_free); no copy was made, and none was removed: make room, declare another "
                "copies_folder, or keep fewer (keep_copies)"
            )

    def free(self) -> int:
        """The bytes that the file system has left."""
        system = os.statvfs(self._folder)
        return system.f_bavail * system.f_frsize

    def move(self, name: str, to: str) -> str:
        """Have a copy under another name, also after a power failure."""
        (self.shown / name).rename(self.shown / to)
        _sync(self.shown)
        return to

    def remove(self, name: str) -> None:
        """Remove one. What a run that is killed leaves of it has no good name any more."""
        shutil.rmtree(self.shown / self.move(name, f"{day_of(name)}{UNFINISHED}"))

    def remove_unfinished(self) -> None:
        """Remove what runs that were killed have left: it was never whole, or was to be removed."""
        for path in self._there():
            if _is_copy(path) and path.suffix == UNFINISHED:
                shutil.rmtree(path)

    def remember(self, **record: Any) -> None:
        """Replace some of what is remembered, which no container can write.

        As long as it cannot be read, only what says which copies were drilled replaces it.
        """
        known = self.recall()
        if known is None and "drilled" not in record:
            return
        new = self.state.with_suffix(".json.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump((known or {}) | record, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.state)
        _sync(self._folder)

    def recall(self) -> dict[str, Any] | None:
        """What is remembered: the ``problems`` of the last run, and which copies were ``drilled``; None if it cannot be read."""
        try:
            found: dict[str, Any] = json.loads(self.state.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            return None
        whole = isinstance(found, dict) and isinstance(found.get("problems", []), list)
        return found if whole and isinstance(found.get("drilled", {}), dict) else None


def _next(earlier: list[str]) -> str:
    """The name of a copy that is made now: behind all others, which are ordered by it."""
    newest = day_of(earlier[-1]) if earlier else ""
    for _ in range(20):
        name = datetime.now(UTC).strftime(FORM)
        if name > newest:
            return name
        time.sleep(0.1)
    raise CopyError(f"the newest copy is {newest}, and the host's clock says {name}; set the clock right")


class BusyError(CopyError):
    """Another run is at work, and says itself how it goes."""


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_copy(path: Path) -> bool:
    return made_at(path.name) is not None and path.is_dir() and not path.is_symlink()


def outdated(names: list[str], keep: int, drilled: Iterable[str]) -> list[str]:
    """Those that are not kept any more, of all ``names`` in their order.

    So many proven ones are kept, and whatever is newer than the oldest of them. Others go, but for those that a drill has
    restored from last: they are known to be good in the end.
    """
    proven = [name for name in names if is_proven(name)]
    if len(proven) < keep:
        return []
    oldest, held = proven[-keep], set(drilled)
    return [name for name in names if name < oldest and name not in held]
