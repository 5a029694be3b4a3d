"""Reads at a million events: one aggregate, and the projection."""

import itertools
import json
import math
import time
from collections.abc import Callable
from random import Random
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.model.event_stores import DATABASE
from examples.batches import batches
from examples.portfolio import AGGREGATE_TYPE, SYMBOLS, generate

from .figures import Figure, Figures
from .server import BenchServer
from .sizes import EVENTS
from .stores.event_store import EventStore
from .timing import percentile, say, seconds
from .worker import project_everything

POSITIONS_AT_ONCE = 1_000
CALLS = 2_000
COMMAND = "make bench PYTEST_ARGS='-k queries'"
# The same positions again and again, each time as new aggregates. All go through the store's API, but without a round
# trip for each: that would take many minutes.
APPEND: Final[LiteralString] = """
    SELECT id, event_store.append_events(%s, id, 0, events, actor_type => 'service', source => 'import')
      FROM (SELECT gen_random_uuid() AS id, events FROM jsonb_array_elements(%s::jsonb) AS events OFFSET 0) AS positions
"""
OPEN: Final[LiteralString] = """
    SELECT event_store.append_event(%s, %s, 0, 'PositionOpened', '{"symbol": "AAPL", "quantity": 1, "current_value": 190}')
"""
#: Positions that are opened to see how long each takes to be shown.
OPENED: Final = 15
QUERIES: Final[dict[str, LiteralString]] = {
    "projection query: one position": "SELECT * FROM projections.portfolio_positions WHERE position_id = %(id)s",
    "projection query: one position, always fresh": "SELECT * FROM projections.positions WHERE position_id = %(id)s",
    "projection query: the 50 most valuable positions of a symbol": """
        SELECT * FROM projections.portfolio_positions WHERE symbol = %(symbol)s ORDER BY current_value DESC LIMIT 50""",
    "projection query: totals of a symbol": """
        SELECT count(*), sum(quantity), sum(current_value) FROM projections.portfolio_positions
         WHERE symbol = %(symbol)s""",
}


@pytest.fixture(scope="module")
def positions(connection: psycopg.Connection[Any], server: BenchServer) -> list[UUID]:
    """The positions that the store is filled with."""
    events = list(generate(3, POSITIONS_AT_ONCE))
    documents = [[event.document() for event in batch.events] for batch in batches(events, len(events))]
    assert len(documents) == POSITIONS_AT_ONCE
    text, rounds = json.dumps(documents), math.ceil(EVENTS / len(events))
    stored: list[UUID] = []

    def fill() -> None:
        for _ in range(rounds):
            stored.extend(row[0] for row in connection.execute(APPEND, (AGGREGATE_TYPE, text)))

    say(f"\nFilling the store with {rounds * len(events):,} events of {rounds * POSITIONS_AT_ONCE:,} positions")
    say(f"  {seconds(fill):.0f} s")
    # What autovacuum does a minute later.
    say(f"  vacuum {seconds(lambda: connection.execute('VACUUM ANALYZE event_store.events')):.1f} s")
    # The services of the container do it as well, with pauses.
    deployed = EventStore(server)
    deployed.database = DATABASE
    spent = seconds(lambda: project_everything(deployed))
    say(f"  projected in {spent:.0f} s")
    counted = connection.execute("SELECT count(*) FROM event_store.events").fetchone()
    assert counted is not None
    assert counted[0] >= rounds * len(events)
    return stored


def test_queries_of_one_aggregate(connection: psycopg.Connection[Any], positions: list[UUID], figures: Figures) -> None:
    random = Random(1)  # noqa: S311
    say(f"\nRead one aggregate: {CALLS} calls")

    def read() -> None:
        position = random.choice(positions)
        rows = connection.execute("SELECT * FROM event_store.get_events(%s, %s)", (AGGREGATE_TYPE, position)).fetchall()
        assert rows

    _add("read all events of one position", read, figures)


def test_queries_of_the_projection(
    connection: psycopg.Connection[Any], positions: list[UUID], figures: Figures
) -> None:
    random = Random(2)  # noqa: S311
    refreshed = seconds(lambda: connection.execute("SELECT public.refresh_materialized_views()"))
    say(f"\nProjection queries: {CALLS} calls each; refresh_materialized_views() took {refreshed:.1f} s")
    for name, query in QUERIES.items():

        def ask(query: LiteralString = query) -> None:
            parameters = {"id": random.choice(positions), "symbol": random.choice(SYMBOLS)}
            rows = connection.execute(query, parameters).fetchall()
            assert rows

        _add(name, ask, figures)


@pytest.mark.parametrize("relation", ["projections.positions", "projections.portfolio_positions"])
def test_queries_are_fresh(
    connection: psycopg.Connection[Any], positions: list[UUID], figures: Figures, relation: str
) -> None:
    say(f"\nOpen {OPENED} positions one by one, and look when each is in {relation}; {len(positions):,} are there")
    query = f"SELECT 1 FROM {relation} WHERE position_id = %s"
    times: list[float] = []
    for _ in range(OPENED):
        position = uuid4()
        connection.execute(OPEN, (AGGREGATE_TYPE, position))
        since = time.perf_counter()
        while not connection.execute(query, [position]).fetchone():
            assert time.perf_counter() - since < 60, f"{relation} never shows a new position"
            time.sleep(0.002)
        times.append(time.perf_counter() - since)
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    what = f"{relation} shows an append, {len(positions):,} positions, {EVENTS:,} events"
    measured = f"p50 {p50 * 1000:.0f} ms, longest {p99 * 1000:.0f} ms"
    figures.add(Figure(what, measured, "", None, "≤ 1 s", p99 <= 1, COMMAND, {relation: times}))


def _add(name: str, call: Callable[[], None], figures: Figures) -> None:
    for _ in itertools.repeat(None, CALLS // 10):
        call()
    times = [seconds(call) for _ in range(CALLS)]
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    measured = f"p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms"
    figures.add(
        Figure(f"{name}, {EVENTS:,} events", measured, "", None, "p99 ≤ 5 ms", p99 <= 0.005, COMMAND, {name: times})
    )
