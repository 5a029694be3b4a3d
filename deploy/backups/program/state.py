"""What is remembered of an event store's backups, beside what pgBackRest knows: a file for each kind of check."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .volume import VOLUME

FOLDER = VOLUME / "state"


def remember(stanza: str, what: str, record: dict[str, Any]) -> None:
    """Replace what is remembered under a name."""
    folder = _folder(stanza)
    new = folder / f"{what}.json.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / f"{what}.json")


def recall(stanza: str, what: str) -> dict[str, Any] | None:
    """What is remembered under a name; None if there is nothing that can be read."""
    try:
        found: dict[str, Any] = json.loads((FOLDER / stanza / f"{what}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def forget(stanza: str, what: str) -> None:
    """Remember nothing under a name any more."""
    (FOLDER / stanza / f"{what}.json").unlink(missing_ok=True)


@contextlib.contextmanager
def alone(stanza: str) -> Iterator[None]:
    """Hold the event store's backups: one job at a time. The others wait."""
    with (_folder(stanza) / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _folder(stanza: str) -> Path:
    folder = FOLDER / stanza
    folder.mkdir(parents=True, exist_ok=True)
    return folder
