"""The copies of the repository that the LXC host keeps, which nobody in here can write: to be verified, and restored from."""

import os
import re
from pathlib import Path

from .pgbackrest import BackupError

FOLDER = Path("/srv/copies")
#: What whole copies are called, as their host does it: with nothing behind their time once they were verified.
_VERIFIED = re.compile(r"[0-9]{8}-[0-9]{6}")
_APART = re.compile(rf"{_VERIFIED.pattern}\.(unproven|failed)")
#: What names the newest one that was verified.
NEWEST = "newest"
#: pgBackRest's way to be told of another repository, which the restore_command of a server inherits.
_VARIABLE = "PGBACKREST_REPO1_PATH"


def use(name: str) -> str | None:
    """Have pgBackRest read a copy in place of the repository, in this process and all that it starts; the copy's name.

    None, and the repository, if the newest one is asked for and there is none yet. Raises `BackupError`.
    """
    verified = [copy for copy in _whole() if _VERIFIED.fullmatch(copy)]
    if name == NEWEST and not verified:
        print("there is no copy of the repository yet; using the repository itself", flush=True)
        return None
    chosen = verified[-1] if name == NEWEST else name
    os.environ[_VARIABLE] = str(place_of(chosen))
    return chosen


def used() -> str | None:
    """The copy that is read in place of the repository."""
    path = os.environ.get(_VARIABLE)
    return path and Path(path).name


def place_of(name: str) -> Path:
    """Where a copy is. Raises `BackupError` if there is none that is whole."""
    whole = _whole()
    if name not in whole:
        there = ", ".join(whole) or "none"
        raise BackupError(
            f"there is no whole copy {name}; there is {there}. If the host has more in the folder of the copies, its disk was not there "
            "when this container was started: restart it"
        )
    return FOLDER / name


def doubt_of(name: str) -> str:
    """Why a copy may be no good; nothing if it was verified."""
    if name.endswith(".failed"):
        return f"something was wrong with {name} when it was verified"
    return "" if _VERIFIED.fullmatch(name) else f"{name} was never verified"


def _whole() -> list[str]:
    return sorted(
        path.name
        for path in FOLDER.glob("*")
        if (_VERIFIED.fullmatch(path.name) or _APART.fullmatch(path.name)) and path.is_dir()
    )
