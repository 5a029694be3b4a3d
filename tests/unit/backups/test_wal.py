"""What pg_waldump says, and which segments and backups are of the history that a store has now."""

from datetime import UTC, datetime

import pytest

from deploy.backups.program.segments import Segment, ancestors
from deploy.backups.program.wal import Commit, Running, lineage, read

# Lines of pg_waldump 15 and 17 with TZ=UTC.
SAID = """\
rmgr: Standby     len (rec/tot):     54/    54, tx:          0, lsn: 0/0C000028, prev 0/0B000120, desc: RUNNING_XACTS nextXid 790 latestCompletedXid 787 oldestRunningXid 788; 1 xacts: 788; 2 subxacts: 786 789
rmgr: Transaction len (rec/tot):     46/    46, tx:        790, lsn: 0/0C001C48, prev 0/0C001C00, desc: COMMIT 2026-11-28 23:30:33.831130 UTC
rmgr: Transaction len (rec/tot):     66/    66, tx:        788, lsn: 1/0C002000, prev 0/0C001C48, desc: COMMIT 2026-11-28 23:30:34.000001 UTC; subxacts: 786 789; inval msgs: catcache 55
rmgr: Transaction len (rec/tot):     34/    34, tx:        791, lsn: 1/0C002100, prev 1/0C002000, desc: ABORT 2026-11-28 23:30:35.000000 UTC
rmgr: Transaction len (rec/tot):     90/    90, tx:          0, lsn: 1/0C002200, prev 1/0C002100, desc: COMMIT_PREPARED 792: 2026-11-28 23:30:36.500000 UTC; subxacts: 793
pg_waldump: error: error in WAL record at 1/C002200: invalid record length at 1/C002300: wanted 24, got 0
"""


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_commits_and_what_was_running_are_read() -> None:
    running, one, other, prepared = read(SAID)
    assert running == Running(0x0C000028, 790, frozenset({786, 788, 789}))
    assert one == Commit(0x0C001C48, seconds("2026-11-28 23:30:33.831130"), frozenset({790}))
    assert other == Commit(0x1_0C002000, seconds("2026-11-28 23:30:34.000001"), frozenset({786, 788, 789}))
    assert prepared == Commit(0x1_0C002200, seconds("2026-11-28 23:30:36.5"), frozenset({792, 793}))


def test_the_history_of_a_timeline_is_followed_through_its_ancestors() -> None:
    there = {Segment(timeline, number): "" for timeline, number in [
        (1, 2), (1, 3), (1, 4), (1, 5), (2, 4), (2, 5), (3, 5), (3, 6), (4, 3), (4, 4),
    ]}  # fmt: skip
    assert lineage(there, 3, [Segment(1, 4), Segment(2, 5)]) == [
        Segment(1, 2), Segment(1, 3), Segment(2, 4), Segment(3, 5), Segment(3, 6),
    ]  # fmt: skip
    # A second restore, to before the first one: what was between is of no history any more.
    assert lineage(there, 4, [Segment(1, 3)]) == [Segment(1, 2), Segment(4, 3), Segment(4, 4)]
    assert lineage(there, 1, []) == [Segment(1, 2), Segment(1, 3), Segment(1, 4), Segment(1, 5)]


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_the_first_timeline_has_no_ancestors(text: str) -> None:
    assert ancestors(text) == {}


def test_ancestors_come_in_their_order() -> None:
    assert ancestors("1\t0/C00D260\tafter LSN 0/C00D260\n2\t1/20\tno recovery target specified\n") == {
        1: 0xC00D260,
        2: 0x1_00000020,
    }
