"""What an append pays for its bound, by which the readers of the feed know that they need not wait for anything else.

In rounds of its own, and many of them: the difference is smaller than what a single round varies by.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Final

import pytest

from .before import Unpublished
from .figures import Figure, Figures, Row
from .pgbench import pgbench
from .server import BenchServer
from .stores import FLOOR, OURS, Store
from .stores.bare_table import BareTable
from .stores.event_store import EventStore
from .timing import in_turn, percentile, say

CLIENTS: Final = 16
ROUNDS: Final = 20
SECONDS: Final = 4
#: The share of the bare table that all steps together have to leave.
BUDGET: Final = 0.7
TABLE: Final = "What the bound of an append costs"
COMMAND: Final = "make bench PYTEST_ARGS='-k cost'"


@pytest.fixture(scope="module")
def contenders(server: BenchServer) -> Iterator[list[Store]]:
    """This store, the same without the bound, and the bare table; each empty."""
    every: list[Store] = [EventStore(server), Unpublished(server), BareTable(server)]
    try:
        for store in every:
            store.create()
        yield every
    finally:
        for store in every:
            if store.database:
                store.drop()


def test_cost_of_the_bound(contenders: list[Store], figures: Figures) -> None:
    runs, acknowledged = itertools.count(), Counter[str]()

    def load(store: Store) -> float:
        done = pgbench(store, store.append_script, clients=CLIENTS, seconds=SECONDS, run=next(runs), n=-1)
        assert not done.refused
        acknowledged[store.shown] += done.processed
        return done.per_second

    say(f"\nOne event per transaction, {CLIENTS} clients: {ROUNDS} rounds of {SECONDS} s, after one to warm up")
    rates = in_turn({store.shown: partial(load, store) for store in contenders}, ROUNDS, warm_up=1)
    for store in contenders:
        assert store.count() == acknowledged[store.shown], f"{store.shown}: acknowledged events are missing"

    medians = {store.shown: median(rates[store.shown]) for store in contenders}
    cells = {name: f"{rate:,.0f} ({rate / medians[FLOOR]:.2f} ×)" for name, rate in medians.items()}
    series = {name: rates[name] for name in medians}
    figures.compare(Row(TABLE, f"{CLIENTS} clients", cells, series, "events/s"))
    for against, what, names in (
        (FLOOR, "of the bare table", (OURS, Unpublished.name)),
        (Unpublished.name, "of the same without the bound", (OURS,)),
    ):
        middle = {name: _middle(rates[name], rates[against]) for name in names}
        figures.compare(Row(TABLE, f"{what}, the middle half of the rounds", middle))
    for against, goal in ((FLOOR, BUDGET), (Unpublished.name, None)):
        ratio = medians[OURS] / medians[against]
        figures.add(
            Figure(
                f"appends, one event per transaction, {CLIENTS} clients, against {against}",
                f"{medians[OURS]:,.0f}/s",
                f"{against}: {medians[against]:,.0f}/s",
                ratio,
                f"≥ {goal} x" if goal else "",
                not goal or ratio >= goal,
                COMMAND,
                {name: rates[name] for name in (OURS, against)},
            )
        )


def _middle(series: list[float], against: list[float]) -> str:
    """Between which ratios half of the rounds are: two that are next to each other have had the same machine."""
    ratios = [one / other for one, other in zip(series, against, strict=True)]
    return f"{percentile(ratios, 0.25):.2f} to {percentile(ratios, 0.75):.2f} ×"
