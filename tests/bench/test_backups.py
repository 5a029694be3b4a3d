"""What backups take, what they cost those who append, how fast a restore is, and how much a loss of the data loses."""

import time
from statistics import median
from typing import Final

import pytest

from .backed_up import Acknowledged, Backed, Backup
from .figures import Figure, Figures, Row
from .inventories import STORE, Inventory
from .pooling import Way
from .sizes import BACKED_UP, EVENTS, LOSSES
from .timing import in_turn, percentile, repeated, say

#: Appends a second in what measures how long one takes, by so many clients, for so many seconds.
RATE, CLIENTS, STEADY = 3000, 16, 30
ROUNDS: Final = 3
#: Seconds before a loss, and how many may be lost at most.
WRITING, OBJECTIVE = (5, 75), 60
TABLE: Final = "Backups"
COMMAND: Final = "make bench-large" if EVENTS > 2_000_000 else "make bench PYTEST_ARGS='-k backups'"


@pytest.fixture(scope="module")
def backed(backed_up: Inventory) -> Backed:
    store = Backed(backed_up)
    say(f"\nFilling {STORE} with {BACKED_UP:,} events")
    store.fill(BACKED_UP)
    store.wait_for_the_worker()
    return store


def at_most(what: str, new: str, old: str, ratio: float, limit: float) -> Figure:
    """A ratio of what should be small."""
    return Figure(what, new, old, ratio, f"≤ {limit} x", ratio <= limit, COMMAND, {})


def test_backups_of_little_change(backed: Backed, figures: Figures) -> None:
    say(f"\nFull backups, and incremental ones after {BACKED_UP // 50:,} more events: {ROUNDS} rounds")
    full, incremental = list[Backup](), list[Backup]()
    for _ in range(ROUNDS):
        backed.settle()
        full.append(backed.back_up("full"))
        backed.fill(BACKED_UP // 50)
        backed.wait_for_the_worker()
        incremental.append(backed.back_up("incr"))
    for what, measured, unit, limit in (
        ("size", lambda backup: backup.size / 2**20, "MiB", 0.15),
        ("time", lambda backup: backup.seconds, "s", 0.3),
    ):
        times = {"full": [*map(measured, full)], "incremental": [*map(measured, incremental)]}
        medians = {name: median(series) for name, series in times.items()}
        cells = {name: f"{value:,.1f} {unit}" for name, value in medians.items()}
        figures.compare(Row(TABLE, f"{what} of a backup, {BACKED_UP:,} events", cells, times, unit))
        name = f"{what} of an incremental backup after 2 % of change, {BACKED_UP:,} events, against a full one"
        ratio = medians["incremental"] / medians["full"]
        figures.add(at_most(name, cells["incremental"], cells["full"], ratio, limit))


def test_backups_restored(backed: Backed, figures: Figures) -> None:
    say(f"\nRestores and plain copies of the same files, from a cold cache to the disk: {ROUNDS} rounds")
    backed.settle()
    backed.back_up("full")
    backed.restore()
    size = backed.data_size() / 2**20
    rates = in_turn({"restore": lambda: size / backed.restore(), "copy": lambda: size / backed.copy()}, ROUNDS)
    backed.clean()
    medians = {name: median(series) for name, series in rates.items()}
    cells = {name: f"{rate:,.0f} MiB/s" for name, rate in medians.items()}
    figures.compare(Row(TABLE, f"{size:,.0f} MiB, cold cache, written to the disk", cells, rates, "MiB/s"))
    ratio = medians["restore"] / medians["copy"]
    what = f"restore of {size / 1024:,.1f} GiB against a plain copy of the same files"
    figures.add(Figure(what, cells["restore"], cells["copy"], ratio, "≥ 0.6 x", ratio >= 0.6, COMMAND, {}))


def test_backups_while_others_append(backed: Backed, figures: Figures) -> None:
    way = Way("direct", backed.inventory.dsn(STORE), "prepared")

    def slowest() -> float:
        return percentile(way.append(CLIENTS, seconds=STEADY, rate=RATE).latencies, 0.99)

    def during_backups() -> float:
        with repeated(lambda: backed.start("full")):
            return slowest()

    def without_archiving() -> float:
        with backed.without_archiving():
            return slowest()

    say(f"\n{RATE:,} appends/s for {STEADY} s, with and without a backup, and without archiving: {ROUNDS} rounds")
    times = in_turn({"archiving": slowest, "archiving and a full backup": during_backups}, ROUNDS, warm_up=1)
    # In turn with the same again, and at the end: what is thrown away is missing in the archive.
    last = in_turn({"archiving": slowest, "neither": without_archiving}, ROUNDS)
    medians = {name: median(series) for name, series in times.items()}
    beside = {name: median(series) for name, series in last.items()}
    cells = {name: f"{value:.1f} ms" for name, value in (beside | medians).items()}
    figures.compare(Row(TABLE, f"p99 of an append at {RATE:,} a second", cells, last | times, "ms"))
    backing = medians["archiving and a full backup"] / medians["archiving"]
    what = f"p99 of an append at {RATE:,} a second, during a full backup"
    figures.add(at_most(what, cells["archiving and a full backup"], cells["archiving"], backing, 1.5))
    archiving = beside["archiving"] / beside["neither"]
    what = f"p99 of an append at {RATE:,} a second, with archiving"
    figures.add(at_most(what, f"{beside['archiving']:.1f} ms", cells["neither"], archiving, 1.2))
    backed.back_up("full")


def test_backups_after_a_loss(backed_up: Inventory, figures: Figures) -> None:
    """On a store of its own: how much there is makes no difference to what is lost."""
    backed = Backed(backed_up)
    backed.begin_anew()
    lost, kept = list[float](), set[str]()
    say(f"\n{LOSSES} losses of the data volume while somebody appends")
    for number in range(1, LOSSES + 1):
        with Acknowledged(backed_up.dsn(STORE)) as log:
            time.sleep(WRITING[0] + (WRITING[1] - WRITING[0]) * number / LOSSES)
            killed = backed.lose()
        backed.bring_back()
        there = backed.events()
        assert kept <= there, "events of before the last restore are missing"
        missing = [log[event] for event in log.keys() - there]
        lost.append((killed - min(missing)).total_seconds() if missing else 0.0)
        assert not missing or all(at < min(missing) for event, at in log.items() if event in there)
        kept = there
        say(f"  {number}: {len(log):,} acknowledged, {len(missing):,} of them lost, those of {lost[-1]:.1f} s")
    figures.add(
        Figure(
            f"{LOSSES} losses of the data volume with its container: acknowledged events that are lost",
            f"those of the last {median(lost):.1f} s, at most {max(lost):.1f} s",
            "",
            None,
            f"≤ {OBJECTIVE} s",
            max(lost) <= OBJECTIVE,
            COMMAND,
            {"seconds": lost},
        )
    )
