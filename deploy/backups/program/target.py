"""Where a restore is to end: a moment or an event, as a place in the WAL. And what is lost there.

All that is committed at that place or after it is lost, all before it stays. Recovery compares places exactly. Times it
compares at commits only, and it fails if none comes any more; numbers of transactions say nothing of what was committed
before others.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from . import pgbackrest, state
from .pgbackrest import BackupError
from .segments import SEGMENT_SIZE, Segment, gap_after, position, written
from .wal import Archive, Commit, Running

#: Segments that are looked at together, one of which is looked at twice: records may reach into the next one.
_STEP = 8
#: How far back is looked for what was running, in segments.
_FAR = 200


class Search:
    """Looks for places in the archived WAL of one event store."""

    def __init__(self, stanza: str) -> None:
        """Raises `BackupError`."""
        self._stanza = stanza
        found = pgbackrest.info().get(stanza, {})
        self._archive = Archive(stanza, found)
        self._backups = self._archive.backups(found)
        if not self._backups:
            raise BackupError(f"{stanza} is not backed up, or not since it was restored; make a backup")

    def latest(self) -> dict[str, Any]:
        """No place: all that was archived."""
        backup = self._backups[-1]
        return self._facts(backup, None) | {"gap": gap_after(backup["archive"]["start"], self._archive.segments)}

    def at(self, time: float) -> dict[str, Any]:
        """The first commit after a moment. What was acknowledged before stays, what began after it goes."""
        begin = self._segment_before(self._first_segment(self._backup_before(time)), time)
        before = self._archive.segments[begin].number * SEGMENT_SIZE
        for commit in self._commits(begin):
            if commit.time > time:
                self._refuse_cut_off(time, before, commit.lsn)
                return self._described(commit.lsn)
            before = commit.lsn
        self._refuse_cut_off(time, before, None)
        return self.latest()

    def _refuse_cut_off(self, time: float, before: int, after: int | None) -> None:
        """Raises `BackupError` if a restore has cut off what there was at a moment; ``before``, ``after``: places around it."""
        for timeline, end in self._archive.left.items():
            if before < end and (after is None or end <= after):
                lost = self._archive.cut_off(timeline)
                if lost and lost.time <= time:
                    raise BackupError(
                        f"{self._stanza}: {_clock(time)} is in a history that an earlier restore has cut off, at {written(end)}; the "
                        f"present one has nothing from {_clock(lost.time)} until that restore. Take a moment before or after, or "
                        "none for the newest"
                    )

    def point(self, name: str) -> dict[str, Any]:
        """A named point: the place behind its record."""
        points = state.recall(self._stanza, "points") or {}
        within = self.reachable(points)
        if name in within:
            return self._described(position(points[name]["lsn"]))
        there = f"there are {', '.join(within) or 'none'}"
        if name not in points:
            raise BackupError(f"{self._stanza} has no restore point {name!r}; {there}")
        raise BackupError(
            f"{self._stanza}: restore point {name!r} is in a history that an earlier restore has cut off, or older than the oldest "
            f"backup; {there}"
        )

    def reachable(self, points: dict[str, Any]) -> list[str]:
        """Those of the named points that the present history can be restored to."""
        oldest = position(self._backups[0]["lsn"]["stop"])
        places = ((name, point["timeline"], position(point["lsn"])) for name, point in points.items())
        return [name for name, timeline, lsn in places if lsn >= oldest and self._archive.has(timeline, lsn)]

    def before(self, xid: int, begun: float) -> dict[str, Any]:
        """The commit of a transaction, by the id that the event's row has, and when the transaction began."""
        earlier = [one for one in self._backups if one["timestamp"]["stop"] <= begun]
        first = self._first_segment((earlier or self._backups)[-1 if earlier else 0])
        for commit in self._commits(self._segment_before(first, begun)):
            if xid in commit.xids and commit.time >= begun:
                return self._described(commit.lsn)
        raise BackupError(
            f"{self._stanza}: the commit of transaction {xid} is not in the archive, or is before the oldest backup"
        )

    def _segment_before(self, first: int, time: float) -> int:
        """From where on to look for the first commit after a moment; ``first``: a segment that is before it."""
        found = first + bisect_left(
            range(first, len(self._archive.segments)), True, key=lambda one: self._is_after(one, time)
        )
        # The one before may reach into it, and may have been without a commit.
        return max(first, found - 1)

    def _backup_before(self, time: float) -> dict[str, Any]:
        fitting = [one for one in self._backups if one["timestamp"]["stop"] <= time]
        if not fitting:
            oldest = _clock(self._backups[0]["timestamp"]["stop"])
            raise BackupError(
                f"{self._stanza}: {_clock(time)} is before the end of the oldest backup, {oldest}, so nothing can be restored to there"
            )
        return dict(fitting[-1])

    def _first_segment(self, backup: dict[str, Any]) -> int:
        number = Segment.of(backup["archive"]["start"], SEGMENT_SIZE).number
        for index, segment in enumerate(self._archive.segments):
            if segment.number >= number:
                return index
        raise BackupError(f"{self._stanza}: the WAL of backup {backup['label']} is not in the archive")

    def _is_after(self, index: int, time: float) -> bool:
        """Whether the first commit from a segment on is after a moment. Commits come nearly in the order of their times."""
        return next((commit.time > time for commit in self._commits(index)), True)

    def _commits(self, index: int) -> Iterator[Commit]:
        """From a segment on, each once."""
        seen = -1
        for first in range(index, len(self._archive.segments), _STEP - 1):
            last = min(first + _STEP, len(self._archive.segments)) - 1
            for one in self._archive.commits_of(first, last):
                if isinstance(one, Commit) and one.lsn > seen:
                    seen = one.lsn
                    yield one
            if last == len(self._archive.segments) - 1:
                return

    def _described(self, lsn: int) -> dict[str, Any]:
        """A place, for the operator's side. ``running``, ``next`` and ``committed`` tell by a row's transaction whether it stays."""
        fitting = [one for one in self._backups if position(one["lsn"]["stop"]) <= lsn]
        if not fitting:
            raise BackupError(f"{self._stanza}: that is before the end of the oldest backup of this history")
        return self._facts(fitting[-1], lsn) | self._present_at(lsn) | {"until": self._end()}

    def _facts(self, backup: dict[str, Any], lsn: int | None) -> dict[str, Any]:
        return {
            "label": backup["label"],
            "bytes": int(backup["info"]["size"]),
            "timeline": self._archive.timeline,
            "lsn": None if lsn is None else written(lsn),
            # PostgreSQL takes a gap for the end, unless it was told of a place behind it.
            "gap": None,
        }

    def _end(self) -> dict[str, Any] | None:
        """The last commit that was archived; None if none is near the end."""
        last = len(self._archive.segments) - 1
        for index in range(last, max(last - _FAR, -1), -1):
            if commits := self._span(index, index):
                return {"lsn": written(commits[-1].lsn), "time": commits[-1].time}
        return None

    def _present_at(self, lsn: int) -> dict[str, Any]:
        """Which transactions were running at a place, and which ids were not handed out yet."""
        number = lsn // SEGMENT_SIZE
        index = next((index for index, one in enumerate(self._archive.segments) if one.number == number), None)
        if index is None:
            raise BackupError(f"{self._stanza}: the WAL of that place is not in the archive (yet)")
        for first in range(index, max(index - _FAR, -1), -1):
            records = [one for one in self._archive.commits_of(first, min(first + 1, index)) if one.lsn < lsn]
            if running := [one for one in records if isinstance(one, Running)]:
                last = running[-1]
                after = [one for one in self._span(first, index) if last.lsn < one.lsn < lsn]
                return {
                    "next": last.next,
                    "running": sorted(last.xids),
                    "committed": sorted({xid for one in after for xid in one.xids}),
                    "time": max((one.time for one in self._span(first, index) if one.lsn < lsn), default=None),
                }
        return {}

    def _span(self, first: int, last: int) -> list[Commit]:
        return [one for one in self._archive.commits_of(first, last) if isinstance(one, Commit)]


def _clock(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%SZ}"
