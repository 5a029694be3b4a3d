"""Reads everything that is kept of an event store, and says what is wrong with it."""

import re
import time
from collections.abc import Iterator
from typing import Any

from . import copies, pgbackrest, state
from .segments import SEGMENT_SIZE, Segment, branches, history_files, missing, segment_names

#: How many lines of what pgBackRest says are kept.
_LINES = 20
_STATUS = re.compile(r"^status: (\w+)", re.MULTILINE)


def verify(stanza: str) -> list[str]:
    """What is wrong; it is remembered with the time, and with the backups that it is true of. Raises `BackupError`.

    What a copy is like, its host remembers.
    """
    began = int(time.time())
    found = pgbackrest.info().get(stanza, {})
    labels = [backup["label"] for backup in found.get("backup", [])]
    problems = [*_damage(stanza), *_holes(stanza, found)]
    if copies.used():
        return problems if labels else [*problems, "there is no backup in it"]
    state.remember(stanza, "verify", {"at": began, "problems": problems, "labels": labels})
    return problems


def _damage(stanza: str) -> Iterator[str]:
    """What pgBackRest finds. It exits with 0 whatever that is, and by itself prints nothing."""
    status, text = pgbackrest.said(stanza, "--output=text", "--verbose", "--log-level-console=off", "verify")
    results = _STATUS.findall(text)
    if status or not results:
        yield f"pgbackrest verify ended with {status}: {_shortened(text) or 'it said nothing'}"
    elif results != ["ok"]:
        yield f"pgbackrest verify: {_shortened(text)}"


def _shortened(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = [f"{len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    return "; ".join([*lines[:_LINES], *more])


def _holes(stanza: str, found: dict[str, Any]) -> Iterator[str]:
    """WAL that the backups need and that is not there, but for what was lost when the repository was put back from a copy."""
    ends = (state.recall(stanza, "put-back") or {}).get("ends", [])
    for archive in found.get("archive", []):
        name = archive["id"]
        paths = pgbackrest.listed(stanza, f"archive/{stanza}/{name}")
        there = [Segment.of(segment, SEGMENT_SIZE) for segment in segment_names(paths)]
        needed = [
            (Segment.of(backup["archive"]["start"], SEGMENT_SIZE), Segment.of(backup["archive"]["stop"], SEGMENT_SIZE))
            for backup in found.get("backup", [])
            if backup["database"]["id"] == archive["database"]["id"]
        ]
        left = {
            timeline: branches(pgbackrest.read(stanza, f"archive/{stanza}/{name}/{path}"), SEGMENT_SIZE)
            for timeline, path in history_files(paths).items()
        }
        for first, last in missing(there, needed, left):
            if f"{name}/{Segment(first.timeline, first.number - 1).name(SEGMENT_SIZE)}" in ends:
                continue
            until = "" if first == last else f" to {last.name(SEGMENT_SIZE)}"
            yield f"WAL is missing from the archive: {first.name(SEGMENT_SIZE)}{until}; no restore gets past it"
