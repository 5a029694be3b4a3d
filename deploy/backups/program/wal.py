"""What the archived WAL says of transactions: which were committed where and when, by PostgreSQL's own pg_waldump."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from . import pgbackrest
from .pgbackrest import BackupError
from .segments import SEGMENT_SIZE, Segment, ancestors, branches, history_files, position, segment_names
from .volume import VOLUME

_LINE = re.compile(r"tx: +(\d+), lsn: ([0-9A-F]+)/([0-9A-F]+), .* desc: (.*)$")
_COMMIT = re.compile(r"COMMIT(?:_PREPARED (\d+):)? (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
_RUNNING = re.compile(r"RUNNING_XACTS nextXid (\d+)")
_OVERFLOWED = "; subxid ov"
_END = re.compile(r"at ([0-9A-F]+/[0-9A-F]+)")
#: How many segments are looked at for the first commit.
_FEW = 4
_XACTS = re.compile(r"\b(?:sub)?xacts: ([\d ]+)")


@dataclass(frozen=True)
class Commit:
    """A transaction that was committed, with its subtransactions."""

    lsn: int
    """Where its record begins."""
    time: float
    """By the server's clock, in seconds since 1970."""
    xids: frozenset[int]


@dataclass(frozen=True)
class Running:
    """Which transactions there were at a place in the WAL."""

    lsn: int
    next: int
    """The first id that was not handed out yet."""
    xids: frozenset[int]
    """Those that were not over, with their subtransactions."""


class Archive:
    """The archived WAL of an event store, along the history that its newest timeline has."""

    def __init__(self, stanza: str, found: dict[str, Any]) -> None:
        """``found``: what `pgbackrest info` says of the event store. Raises `BackupError`."""
        if not found.get("archive"):
            raise BackupError(f"{stanza} has no WAL in the archive")
        self._stanza = stanza
        self._folder = f"archive/{stanza}/{found['archive'][-1]['id']}"
        self._program = f"/usr/lib/postgresql/{found['db'][-1]['version']}/bin/pg_waldump"
        paths = pgbackrest.listed(stanza, self._folder)
        by_name = {name: path for path in paths for name in segment_names([path])}
        self._paths = {Segment.of(name, SEGMENT_SIZE): path for name, path in by_name.items()}
        histories = history_files(paths)
        self.timeline = max([*histories, *(segment.timeline for segment in self._paths)], default=1)
        newest = histories.get(self.timeline)
        history = pgbackrest.read(stanza, f"{self._folder}/{newest}") if newest else ""
        self.segments = lineage(self._paths, self.timeline, branches(history, SEGMENT_SIZE))
        """In their order, each place once."""
        self.left = ancestors(history)
        """Timeline → the place where this history left it."""

    def backups(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        """The backups that are of this history, the oldest first: none of what an earlier restore has cut off."""
        return [backup for backup in found.get("backup", []) if self._has(backup)]

    def _has(self, backup: dict[str, Any]) -> bool:
        timeline = Segment.of(backup["archive"]["stop"], SEGMENT_SIZE).timeline
        return self.has(timeline, position(backup["lsn"]["stop"]))

    def has(self, timeline: int, lsn: int) -> bool:
        """Whether a place on a timeline is in this history."""
        end = self.left.get(timeline)
        return timeline == self.timeline or (end is not None and lsn <= end)

    def commits_of(self, first: int, last: int) -> list[Commit | Running]:
        """What is in the segments number ``first`` to ``last`` of `segments`, in the WAL's order."""
        return self._read(self.segments[first : last + 1])

    def cut_off(self, timeline: int) -> Commit | None:
        """The first commit behind the place where this history left a timeline; None if none is in the archive."""
        end = self.left[timeline]
        chosen = [Segment(timeline, end // SEGMENT_SIZE)]
        while chosen[-1] in self._paths and len(chosen) <= _FEW:
            if commits := [one for one in self._read(chosen) if isinstance(one, Commit) and one.lsn >= end]:
                return commits[0]
            chosen.append(Segment(timeline, chosen[-1].number + 1))
        return None

    def _read(self, chosen: list[Segment]) -> list[Commit | Running]:
        with tempfile.TemporaryDirectory(dir=VOLUME / "scratch") as folder:
            if any(other.number != one.number + 1 for one, other in pairwise(chosen)):
                raise BackupError(
                    f"{self._stanza}: WAL is missing from the archive after {chosen[0].name(SEGMENT_SIZE)}"
                )
            # pg_waldump reads files of one timeline: to it, they are.
            names = [Segment(self.timeline, segment.number).name(SEGMENT_SIZE) for segment in chosen]
            for segment, name in zip(chosen, names, strict=True):
                self._fetch(segment, Path(folder) / name)
            options = ["--rmgr=Transaction", "--rmgr=Standby", f"--path={folder}"]
            done = subprocess.run(
                [self._program, *options, names[0], names[-1]],
                capture_output=True, text=True, check=False, env={"TZ": "UTC", "LC_ALL": "C"},
            )  # fmt: skip
        # It ends with an error where the last segment does, and nowhere before.
        ended = _END.search(done.stderr)
        if done.returncode and (not ended or position(ended[1]) // SEGMENT_SIZE < chosen[-1].number):
            raise BackupError(f"{self._stanza}: WAL cannot be read: {done.stderr.strip()}")
        return list(read(done.stdout))

    def _fetch(self, segment: Segment, target: Path) -> None:
        path = f"{self._folder}/{self._paths[segment]}"
        get = ["pgbackrest", f"--stanza={self._stanza}", "--log-level-console=off", "repo-get", path]
        with target.open("wb") as file:
            if not path.endswith(".zst"):
                status = subprocess.run(get, stdout=file, check=False).returncode
            else:
                with subprocess.Popen(get, stdout=subprocess.PIPE) as packed:
                    status = subprocess.run(["zstd", "-dcq"], stdin=packed.stdout, stdout=file, check=False).returncode
        if status or target.stat().st_size != SEGMENT_SIZE:
            raise BackupError(f"{self._stanza}: {path} cannot be read from the archive")


def lineage(there: dict[Segment, str], timeline: int, left: list[Segment]) -> list[Segment]:
    """The segments along the history of a timeline; ``left``: its `branches`."""
    ends = [*left, Segment(timeline, max((one.number for one in there), default=0) + 1)]
    chosen, start = list[Segment](), 0
    for end in ends:
        chosen += sorted(one for one in there if one.timeline == end.timeline and start <= one.number < end.number)
        start = end.number
    return chosen


def read(text: str) -> Iterator[Commit | Running]:
    """The lines of pg_waldump, its times in UTC."""
    for line in text.splitlines():
        if not (match := _LINE.search(line)):
            continue
        xid, lsn, said = int(match[1]), int(match[2], 16) * 2**32 + int(match[3], 16), match[4]
        others = frozenset(int(one) for found in _XACTS.findall(said) for one in found.split())
        if commit := _COMMIT.match(said):
            time = datetime.fromisoformat(f"{commit[2]}+00:00").timestamp()
            yield Commit(lsn, time, others | {int(commit[1] or xid)})
        # Of more than 64 subtransactions of one session, none is listed.
        elif (running := _RUNNING.match(said)) and _OVERFLOWED not in said:
            yield Running(lsn, int(running[1]), others)
