"""How long the application waits, over TCP and TLS from this machine, against the budgets that were asked for.

Every round is rolled back. What is left behind: the sequence of positions is further, and autovacuum has dead rows to
remove. The time of a commit, that is of the disk, is not in it; `make bench` measures that on stores of its own. The
projection is queried as it is: in a new store it is empty.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from pytest_benchmark.fixture import BenchmarkFixture

from .application import Application
from .budgets import APPEND_AND_READ_BACK_1000, QUERY_PROJECTION, READ_ONE_AGGREGATE, Budget

_ROUNDS = 20
_APPEND = "SELECT event_version FROM event_store.append_events('Verify', %s, 0, %s)"
_READ = "SELECT event_version, event_type, event_data, created_at FROM event_store.get_events('Verify', %s)"


@pytest.fixture(params=["direct", "pooled"])
def connection(
    request: pytest.FixtureRequest, application: Application
) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """Directly, and through the pooler where there is one."""
    way: Application = application if request.param == "direct" else request.getfixturevalue("pooled")
    with way.rolled_back() as connection:
        yield connection


def _events(count: int) -> Jsonb:
    return Jsonb(
        [
            {
                "event_type": "PositionUpdated",
                "event_data": {"symbol": "AAPL", "quantity": place, "average_price": "189.5", "note": "x" * 100},
                "metadata": {"request": place},
            }
            for place in range(1, count + 1)
        ]
    )


class Keep(Protocol):
    """Measures a wait and asserts its budget; see the fixture `keep`."""

    def __call__(
        self, budget: Budget, wait: Callable[[], None], *, setup: Callable[[], None] | None = None
    ) -> None: ...


@pytest.fixture
def keep(benchmark: BenchmarkFixture, record_property: Callable[[str, object], None]) -> Keep:
    """Asserts that the median stays within what was asked for, and reports it beside what is aimed at."""

    def keep(budget: Budget, wait: Callable[[], None], *, setup: Callable[[], None] | None = None) -> None:
        benchmark.pedantic(wait, setup=setup, rounds=_ROUNDS, warmup_rounds=2)  # type: ignore[no-untyped-call]
        assert benchmark.stats is not None, "the time was not measured: leave --benchmark-disable out"
        median = benchmark.stats.stats.median
        asked, target = (f"{seconds * 1000:.0f} ms" for seconds in budget)
        reached = "reached" if median <= budget.target else "not reached"
        report = f"median {median * 1000:.2f} ms; asked for: {asked}; aimed at: {target}, {reached}"
        record_property("latency", report)
        assert median < budget.asked, report

    return keep


def test_append_1000_events_and_read_them_back(keep: Keep, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
    events = _events(1000)

    def append_and_read_back() -> None:
        aggregate = uuid4()
        assert connection.execute(_APPEND, [aggregate, events]).fetchone() == (1000,)
        assert len(connection.execute(_READ, [aggregate]).fetchall()) == 1000

    def roll_back() -> None:
        connection.rollback()

    keep(APPEND_AND_READ_BACK_1000, append_and_read_back, setup=roll_back)


@pytest.fixture
def aggregate(connection: "psycopg.Connection[tuple[Any, ...]]") -> UUID:
    """An aggregate of 100 events among others, in the transaction that is rolled back."""
    for other in [uuid4() for _ in range(10)]:
        connection.execute(_APPEND, [other, _events(100)])
    return other


def test_read_one_aggregate(keep: Keep, connection: "psycopg.Connection[tuple[Any, ...]]", aggregate: UUID) -> None:
    def read() -> None:
        assert len(connection.execute(_READ, [aggregate]).fetchall()) == 100

    keep(READ_ONE_AGGREGATE, read)


def test_query_the_projection(keep: Keep, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
    query = (
        "SELECT symbol, quantity, current_value FROM projections.portfolio_positions WHERE symbol = 'AAPL' LIMIT 100"
    )

    def read() -> None:
        connection.execute(query).fetchall()

    keep(QUERY_PROJECTION, read)
