"""The same with many events: appends by 16 clients against an empty store, and a catch-up of it all.

`make bench` has a million events, `make bench-large` ten million.
"""

import itertools
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Final

import pytest

from .figures import Figure, Figures, Row
from .pages import pages
from .pgbench import pgbench
from .server import BenchServer
from .sizes import EVENTS
from .stores import FLOOR, OURS, Store
from .stores.bare_table import BareTable
from .stores.event_store import EventStore
from .timing import in_turn, say, seconds

CLIENTS: Final = 16
#: A full store has to find its pages in memory first.
WARM_UP: Final = 4 if EVENTS > 2_000_000 else 2
ROUNDS: Final = 5
SECONDS: Final = 5 if EVENTS > 2_000_000 else 2
PAGE: Final = 1_000
TABLE: Final = "With many events"
COMMAND: Final = "make bench-large" if EVENTS > 2_000_000 else "make bench PYTEST_ARGS='-k growth'"


@pytest.fixture(scope="module")
def full(server: BenchServer) -> Iterator[list[Store]]:
    """This store and the bare table, filled."""
    every: list[Store] = [EventStore(server), BareTable(server)]
    try:
        for store in every:
            store.create()
            spent = seconds(partial(store.fill, 0, EVENTS))
            say(f"\nFilled {store.shown} with {EVENTS:,} events in {spent:.0f} s")
        yield every
    finally:
        for store in every:
            if store.database:
                store.drop()


@pytest.fixture
def empty(server: BenchServer) -> Iterator[list[Store]]:
    """The same two, empty."""
    every: list[Store] = [EventStore(server), BareTable(server)]
    try:
        for store in every:
            store.create()
        yield every
    finally:
        for store in every:
            if store.database:
                store.drop()


def test_growth_of_writes(full: list[Store], empty: list[Store], figures: Figures) -> None:
    runs = itertools.count()

    def load(store: Store) -> float:
        run = f"growth-{next(runs)}"
        done = pgbench(store, store.append_script, clients=CLIENTS, seconds=SECONDS, run=run, n=-1)
        return done.per_second

    say(f"\n{CLIENTS} clients, {EVENTS:,} events against none: {ROUNDS} rounds of {SECONDS} s, {WARM_UP} to warm up")
    contenders = {f"{store.shown}, empty": partial(load, store) for store in empty}
    contenders |= {f"{store.shown}, full": partial(load, store) for store in full}
    rates = in_turn(contenders, ROUNDS, warm_up=WARM_UP)
    medians = {name: median(series) for name, series in rates.items()}
    cells = {name: f"{medians[f'{name}, full']:,.0f} ({_ratio(medians, name):.2f} ×)" for name in (OURS, FLOOR)}
    what = f"{CLIENTS} clients, one event per transaction, {EVENTS:,} events stored"
    series = {name: rates[f"{name}, full"] for name in cells}
    figures.compare(Row(TABLE, what, cells, series, "events/s"))
    ratio = _ratio(medians, OURS)
    figures.add(
        Figure(
            f"appends, one event per transaction, {CLIENTS} clients, {EVENTS:,} events stored",
            f"{medians[f'{OURS}, full']:,.0f}/s",
            f"the same when empty: {medians[f'{OURS}, empty']:,.0f}/s (bare table: {_ratio(medians, FLOOR):.2f} x)",
            ratio,
            "≥ 0.85 x",
            ratio >= 0.85,
            COMMAND,
            rates,
        )
    )


def test_growth_of_catch_up(full: list[Store], figures: Figures) -> None:
    expected = {store.shown: store.count() for store in full}

    def catch_up(store: Store) -> float:
        found: list[int] = []
        with store.connect() as connection:
            spent = seconds(lambda: found.extend(pages(store, connection, PAGE)))
        assert sum(found) == expected[store.shown], f"{store.shown}: events are missing in the feed"
        return sum(found) / spent

    say(f"\nCatch up with {EVENTS:,} events in pages of {PAGE:,}")
    rates = in_turn({store.shown: partial(catch_up, store) for store in full}, 3)
    medians = {store.shown: median(rates[store.shown]) for store in full}
    cells = {name: f"{rate:,.0f}" for name, rate in medians.items()}
    figures.compare(Row(TABLE, f"catch-up of {EVENTS:,} events in pages of {PAGE:,}", cells, rates, "events/s"))
    ratio = medians[OURS] / medians[FLOOR]
    measured, against = f"{medians[OURS]:,.0f} events/s", f"{FLOOR}: {medians[FLOOR]:,.0f} events/s"
    what = f"catch-up of {EVENTS:,} events in pages of {PAGE:,}"
    figures.add(Figure(what, measured, against, ratio, "≥ 0.95 x", round(ratio, 2) >= 0.95, COMMAND, rates))


def _ratio(medians: dict[str, float], name: str) -> float:
    return medians[f"{name}, full"] / medians[f"{name}, empty"]
