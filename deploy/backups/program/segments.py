"""Is all WAL there that the backups need? `pgbackrest verify` says ok with a segment missing in the middle.

A segment's name is three numbers of eight hexadecimal digits: timeline, and the place in the WAL in two parts. A timeline
begins in the segment in which it left another one, which its history file tells.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

#: Bytes of one: PostgreSQL's own; Debian's packages make no other.
SEGMENT_SIZE = 16 * 1024**2
#: As pgBackRest keeps it: the name, a hyphen, a digest, and how it was compressed.
_SEGMENT = re.compile(r"(?:^|/)([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?$")
_HISTORY = re.compile(r"(?:^|/)([0-9A-F]{8})\.history$")


@dataclass(frozen=True, order=True)
class Segment:
    """One of a timeline."""

    timeline: int
    number: int

    @classmethod
    def of(cls, name: str, size: int) -> "Segment":
        """By its name; ``size``: bytes of a segment."""
        return cls(int(name[:8], 16), int(name[8:16], 16) * (2**32 // size) + int(name[16:24], 16))

    def name(self, size: int) -> str:
        """As PostgreSQL writes it."""
        high, low = divmod(self.number, 2**32 // size)
        return f"{self.timeline:08X}{high:08X}{low:08X}"


def segment_names(paths: Iterable[str]) -> set[str]:
    """The names of the segments among files of the repository."""
    return {match[1] for path in paths if (match := _SEGMENT.search(path))}


def history_files(paths: Iterable[str]) -> dict[int, str]:
    """Timeline → the path of its history file."""
    return {int(match[1], 16): path for path in paths if (match := _HISTORY.search(path))}


def branches(history: str, size: int) -> list[Segment]:
    """Where the ancestors of a timeline were left, by its history file: each with the segment in which that was."""
    return [Segment(timeline, lsn // size) for timeline, lsn in ancestors(history).items()]


def ancestors(history: str) -> dict[int, int]:
    """The ancestors of a timeline, in their order, each with the place in the WAL where it was left."""
    rows = (line.split() for line in history.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return {int(row[0]): position(row[1]) for row in rows if len(row) >= 2}


def position(lsn: str) -> int:
    """A place in the WAL, in bytes, as PostgreSQL writes it."""
    high, low = lsn.split("/")
    return int(high, 16) * 2**32 + int(low, 16)


def written(lsn: int) -> str:
    """The same as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def missing(
    there: Iterable[Segment], needed: Iterable[tuple[Segment, Segment]], left: Mapping[int, Iterable[Segment]]
) -> Iterator[tuple[Segment, Segment]]:
    """The holes, each by its first and its last segment.

    ``needed``: from where to where each backup needs WAL for itself; ``left``: timeline → `branches` of it. What is older
    than the oldest backup of a timeline is needed by nobody. After it everything is, up to the newest segment, or to the
    one in which the last of its successors has left it.
    """
    by_timeline: dict[int, set[int]] = defaultdict(set)
    for segment in there:
        by_timeline[segment.timeline].add(segment.number)
    starts: dict[int, int] = {}
    ends: dict[int, int] = {timeline: max(numbers) for timeline, numbers in by_timeline.items()}
    for first, last in needed:
        starts[first.timeline] = min(starts.get(first.timeline, first.number), first.number)
        ends[last.timeline] = max(ends.get(last.timeline, last.number), last.number)
    for timeline in sorted({*by_timeline, *left}):
        *_, parent = [None, *left.get(timeline, ())]
        if parent is None:
            continue
        # The segment in which it was left may have been archived by the new timeline only.
        ends[parent.timeline] = max(ends.get(parent.timeline, -1), parent.number - 1)
        if parent.timeline in starts:
            starts[timeline] = min(starts.get(timeline, parent.number), parent.number)
    for timeline, start in sorted(starts.items()):
        yield from _holes(timeline, start, ends.get(timeline, start), by_timeline[timeline])


def gap_after(first: str, history: Iterable[Segment]) -> str | None:
    """The first segment of a history that is missing after ``first``, although there are later ones; None if there is none."""
    start = Segment.of(first, SEGMENT_SIZE).number
    for one, other in pairwise(segment for segment in history if segment.number >= start):
        if other.number != one.number + 1:
            return Segment(one.timeline, one.number + 1).name(SEGMENT_SIZE)
    return None


def _holes(timeline: int, start: int, end: int, numbers: set[int]) -> Iterator[tuple[Segment, Segment]]:
    hole: list[int] = []
    for number in range(start, end + 1):
        if number not in numbers:
            hole.append(number)
        elif hole:
            yield Segment(timeline, hole[0]), Segment(timeline, hole[-1])
            hole = []
    if hole:
        yield Segment(timeline, hole[0]), Segment(timeline, hole[-1])
