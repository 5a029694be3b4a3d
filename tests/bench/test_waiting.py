"""What a reader of the feed waits for: appends that are open, and nothing else that writes."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final
from uuid import uuid4

import pytest

from examples.portfolio import generate

from .figures import Figure, Figures, Row
from .follow import Followed, following, lags, spread
from .server import BenchServer
from .stores import OURS
from .stores.event_store import EventStore
from .timing import in_turn, percentile, say, seconds
from .writers import Manner, Writers

WRITERS: Final = 8
SECONDS: Final = 4
ROUNDS: Final = 5
#: How often the reader looks, in seconds. What it sleeps is no waiting for anybody, and the goals are milliseconds.
LOOKS_EVERY: Final = 0.001
APPENDS: Final = 1_000
TABLE: Final = "What the feed's readers wait for"
LAG_TABLE: Final = "A reader beside slow transactions"
COMMAND: Final = "make bench PYTEST_ARGS='-k waiting'"
NONE_SLOW: Final = "none is slow"
#: How one transaction in 20 is open for 20 ms; without any, what is left of the lag is not theirs.
MANNERS: Final = {
    NONE_SLOW: Manner(pause=0.002),
    "writes elsewhere and appends nothing": Manner(pause=0.002, elsewhere_one_in=20, slow_for=0.02),
    "after it has appended": Manner(pause=0.002, slow_one_in=20, slow_for=0.02),
}
#: Milliseconds of lag, p50 and p99.
GOALS: Final = {
    "writes elsewhere and appends nothing": (None, 5.0),
    "after it has appended": (16.6, 27.8),
}


@pytest.fixture(scope="module")
def ours(server: BenchServer) -> Iterator[EventStore]:
    """This store by itself: the others wait for something else, or for nothing."""
    store = EventStore(server)
    try:
        store.create()
        yield store
    finally:
        if store.database:
            store.drop()


def test_waiting_for_a_foreign_transaction(ours: EventStore, figures: Figures) -> None:
    event = next(iter(generate(1, 1)))
    lag: list[float] = []
    with ExitStack() as stack:
        for database in (ours.database, "postgres"):
            foreign = stack.enter_context(ours.server.connect(database, autocommit=False))
            foreign.execute("SELECT pg_current_xact_id()")
        writer, reader = stack.enter_context(ours.connect()), stack.enter_context(ours.connect())
        cursor = ours.feed_end()
        for _ in range(100):
            ours.execute(writer, ours.append(uuid4(), 0, [event]))
            committed = time.perf_counter()
            while not (
                rows := reader.execute(
                    "SELECT transaction_id::text, global_position::text FROM event_store.read_feed(%s::xid8, %s::bigint, 100)",
                    cursor,
                ).fetchall()
            ):
                assert time.perf_counter() - committed < 30
            lag.append((time.perf_counter() - committed) * 1000)
            cursor = list(rows[-1])
    p99 = percentile(lag, 0.99)
    goal = "≤ 50 ms"
    what = "an append can be read while foreign transactions are open"
    figures.add(Figure(what, f"p99 {p99:.1f} ms", "", None, goal, p99 <= 50, COMMAND, {OURS: lag}))


def test_waiting_of_others_for_many_appends(ours: EventStore, figures: Figures) -> None:
    """1,000 single appends in one transaction: what they take, and what a page costs others meanwhile."""
    event = next(iter(generate(1, 1)))
    with ours.connect() as writer, ours.connect() as reader:

        def page() -> float:
            rounds = [
                seconds(lambda: reader.execute("SELECT * FROM event_store.read_feed('0', 0, 100)")) for _ in range(50)
            ]
            return percentile(rounds, 0.5) * 1000

        cells: dict[str, str] = {}
        for first, statement in (("appends only", "SELECT 1"), ("after another write", "SELECT pg_current_xact_id()")):
            before = page()
            with writer.transaction():
                writer.execute(statement)
                started = time.perf_counter()
                for _ in range(APPENDS):
                    for one in ours.append(uuid4(), 0, [event]):
                        writer.execute(*one)
                spent, meanwhile = time.perf_counter() - started, page()
            cells[first] = f"{spent:.2f} s; a page of 100 for others {meanwhile:.2f} ms, before {before:.2f} ms"
    figures.compare(Row(TABLE, f"{APPENDS:,} single appends in one transaction", cells))


def test_waiting_for_slow_transactions(ours: EventStore, figures: Figures) -> None:
    lag: dict[str, list[float]] = {name: [] for name in MANNERS}

    def follow(name: str) -> float:
        command = ours.follow(key=ours.stream_column, start=ours.feed_end(), every=LOOKS_EVERY)
        with following(ours, command) as reader:
            done = Writers(ours, MANNERS[name])
            done.write(WRITERS, SECONDS)
            reader.wait_for(len(done.committed))
        assert Followed.of(set(done.committed), reader).faultless
        series = lags(done.committed, reader)
        lag[name] += series
        return percentile(series, 0.99)

    say(
        f"\nFollow the feed while {WRITERS} writers append, one transaction in 20 open for 20 ms or none: {ROUNDS} rounds"
    )
    rounds = in_turn({name: partial(follow, name) for name in MANNERS}, ROUNDS)
    cells = {name: spread(series) for name, series in lag.items()}
    figures.compare(Row(LAG_TABLE, "lag after the commit, p50, p99", cells, rounds, "ms"))
    for name, (goal_p50, goal_p99) in GOALS.items():
        p50, p99 = percentile(lag[name], 0.5), percentile(lag[name], 0.99)
        goal = f"p50 ≤ {goal_p50} ms, p99 ≤ {goal_p99} ms" if goal_p50 else f"p99 ≤ {goal_p99} ms"
        figures.add(
            Figure(
                f"lag of a reader while {WRITERS} write and one transaction in 20 is open for 20 ms: {name}",
                f"p50, p99 {cells[name]}",
                f"{NONE_SLOW}: {cells[NONE_SLOW]}",
                p99 / percentile(lag[NONE_SLOW], 0.99),
                goal,
                p50 <= (goal_p50 or p50) and p99 <= goal_p99,
                COMMAND,
                {which: rounds[which] for which in (name, NONE_SLOW)},
            )
        )
