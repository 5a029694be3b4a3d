"""16 clients that all append to one aggregate, each with the exact version that it has read: every row accounted for."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Final
from uuid import uuid4

import pytest

from .exact import CLIENTS, Done, clients, prepare
from .figures import Figure, Figures, Row
from .pgbench import pgbench
from .server import BenchServer
from .stores import FLOOR, OURS, Store
from .stores.bare_table import BareTable
from .stores.event_store import EventStore
from .stores.message_db import MessageDb
from .timing import in_turn, say

ROUNDS: Final = 7
SECONDS: Final = 2
TABLE: Final = "16 clients on one aggregate, exact versions"
COMMAND: Final = "make bench PYTEST_ARGS='-k exact'"
DECIDE: Final = f"{OURS}, decide()"
#: Against whom, and the share that has to be reached.
GOALS: Final = ((MessageDb.name, 1.2), (FLOOR, 0.45))
Round = Callable[[str], Done]


@pytest.fixture(scope="module")
def contenders(server: BenchServer) -> Iterator[list[Store]]:
    """This store, message-db and the bare table; each empty."""
    every: list[Store] = [EventStore(server), BareTable(server), MessageDb(server)]
    try:
        for store in every:
            store.create()
        yield every
    finally:
        for store in every:
            if store.database:
                store.drop()


def test_exact_by_pgbench(contenders: list[Store], figures: Figures) -> None:
    scripts = {store.shown: prepare(store) for store in contenders}

    def load(store: Store, stream: str) -> Done:
        done = pgbench(store, scripts[store.shown], clients=CLIENTS, seconds=SECONDS, stream=stream)
        return Done(done.processed, done.refused)

    rounds: dict[str, tuple[Store, Round]] = {store.shown: (store, partial(load, store)) for store in contenders}
    _compare("pgbench", rounds, figures, (OURS,))


def test_exact_by_python(contenders: list[Store], figures: Figures) -> None:
    with ExitStack() as stack:
        rounds: dict[str, tuple[Store, Round]] = {}
        for store in contenders:
            started = stack.enter_context(clients(store, "statements"))
            rounds[store.shown] = (store, partial(started.run, seconds=SECONDS))
        ours = contenders[0]
        rounds[DECIDE] = (ours, partial(stack.enter_context(clients(ours, "decide")).run, seconds=SECONDS))
        _compare("Python", rounds, figures, (OURS, DECIDE))


def _compare(by: str, rounds: dict[str, tuple[Store, Round]], figures: Figures, judged: tuple[str, ...]) -> None:
    """Each round has a stream of its own, so that everybody appends to one of the same length."""
    stored, conflicts, lost = Counter[str](), Counter[str](), Counter[str]()

    def load(name: str) -> float:
        store, run = rounds[name]
        stream = uuid4()
        done = run(str(stream))
        stored[name] += done.stored
        conflicts[name] += done.conflicts
        versions = store.versions_of(stream)
        lost[name] += done.stored - len(versions)
        assert versions == list(range(1, len(versions) + 1)), f"{name}: versions are missing"
        return done.stored / SECONDS

    say(f"\n{CLIENTS} clients on one aggregate with exact versions, by {by}: {ROUNDS} rounds of {SECONDS} s")
    rates = in_turn({name: partial(load, name) for name in rounds}, ROUNDS, warm_up=1)
    medians = {name: median(rates[name]) for name in rounds}
    against = medians[MessageDb.name]
    cells = {name: f"{rate:,.0f} ({rate / against:.2f} ×)" for name, rate in medians.items()}
    figures.compare(Row(TABLE, f"by {by}", cells, {name: rates[name] for name in rounds}, "events/s"))
    ratios = {name: f"{conflicts[name] / max(stored[name], 1):.1f}" for name in rounds}
    figures.compare(Row(TABLE, f"by {by}, conflicts for each event stored", ratios))
    accounts = {name: f"{stored[name]:,} acknowledged, {lost[name]} lost" for name in rounds}
    figures.compare(Row(TABLE, f"by {by}, accounted for", accounts))
    assert not any(lost.values())

    for name in judged:
        for peer, goal in GOALS:
            ratio = medians[name] / medians[peer]
            figures.add(
                Figure(
                    f"{CLIENTS} clients on one aggregate, exact versions, by {by}: {name} against {peer}",
                    f"{medians[name]:,.0f}/s, {ratios[name]} conflicts for each",
                    f"{peer}: {medians[peer]:,.0f}/s",
                    ratio,
                    f"≥ {goal} x",
                    ratio >= goal,
                    COMMAND,
                    {one: rates[one] for one in (name, peer)},
                )
            )
