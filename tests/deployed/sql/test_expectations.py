"""Whose turn it is at an aggregate: exact versions, any version, commands and several appends of a transaction, all at once."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from .appends import Connection, append_event, append_events, at_once, call, counted, is_waiting, refused, stored
from .feed import wait_until
from .stores import Store

LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


def version_of(connection: Connection, aggregate: UUID) -> int:
    rows = call(connection, "get_events_backward", aggregate_type="Counter", aggregate_id=aggregate, max_count=1)
    return int(rows[0]["event_version"]) if rows else 0


@contextmanager
def conflicts(met: "Counter[str]", version: int | None) -> Iterator[None]:
    """Counts a conflict, if there was something to expect and it has changed since; any other error ends the test."""
    try:
        yield
    except psycopg.errors.DatabaseError as error:
        detail = error.diag.message_detail or ""
        expected, _, actual = detail.removeprefix("expected version ").partition(", actual version ")
        if error.sqlstate != "SE001" or expected != str(version) or int(actual) <= int(expected):
            raise
        met["conflicts"] += 1


def exact(connection: Connection, aggregate: UUID, n: int, met: "Counter[str]") -> None:
    """Reads and appends until it has won, by one event or a list."""
    while True:
        version = version_of(connection, aggregate)
        with conflicts(met, version):
            if n % 4:
                appended = append_event(connection, aggregate, version, event_data={"n": n})["event_version"]
                assert appended == version + 1
            else:
                appended = append_events(connection, aggregate, counted(n, n), version)["event_version"]
                assert appended == version + 2
            return


def anyhow(connection: Connection, aggregate: UUID, n: int, met: "Counter[str]") -> None:
    """Any version, or one that exists: neither ever meets a conflict."""
    expected = -1 if n % 3 == 1 and met["appends"] else None
    append_event(connection, aggregate, expected, event_data={"n": n})
    met["appends"] += 1


def by_command(connection: Connection, aggregate: UUID, n: int, met: "Counter[str]") -> None:
    """One of a series of commands that several writers send, each of them twice; every other one of an exact version."""
    sent = {"command_id": UUID(int=aggregate.int ^ n), "command_type": "Count", "command_data": {"n": n}}
    for _ in range(2):
        done = None
        while not done:
            version = version_of(connection, aggregate) if n % 2 else None
            with conflicts(met, version):
                done = append_event(connection, aggregate, version, event_data={"command": n}, **sent)


def in_transactions(connection: Connection, aggregate: UUID, n: int, met: "Counter[str]") -> None:
    """Several appends in a transaction: the first one with the exact version, the others with any."""
    while True:
        version = version_of(connection, aggregate)
        with conflicts(met, version), connection.transaction():
            append_event(connection, aggregate, version, event_data={"n": n})
            append_event(connection, aggregate, event_data={"n": n})
            append_events(connection, aggregate, counted(n, n), -1)
            return


def test_everybody_gets_through_and_any_version_meets_no_conflict(store: Store, app: Connection) -> None:
    aggregate, each = uuid4(), 12
    writers = [*[exact] * 6, *[in_transactions] * 2, *[anyhow] * 5, *[by_command] * 3]
    met = [Counter[str]() for _ in writers]

    def write(connection: Connection, place: int) -> int:
        # The three that send commands send the same ones.
        for n in range(each):
            writers[place](connection, aggregate, n, met[place])
        return each

    assert at_once(store, len(writers), write) == [each] * len(writers)
    events = stored(app, aggregate)
    assert [event["event_version"] for event in events] == list(range(1, len(events) + 1))
    assert [event["created_at"] for event in events] == sorted(event["created_at"] for event in events)
    in_the_feed = app.execute(
        """SELECT e.event_version FROM event_store.events e WHERE e.aggregate_type = 'Counter' AND e.aggregate_id = %s
            ORDER BY e.transaction_id, e.global_position""",
        [aggregate],
    ).fetchall()
    assert [row[0] for row in in_the_feed] == list(range(1, len(events) + 1))
    commands = Counter(event["event_data"]["command"] for event in events if "command" in event["event_data"])
    assert set(commands.values()) == {1}
    assert set(commands) == set(range(each))
    # Of an exact append one event, of every fourth two; of a transaction four.
    assert len(events) - each == 6 * (each + each // 4) + 2 * 4 * each + 5 * each
    # There was something to win.
    assert sum(one["conflicts"] for one in met) > 0


@pytest.mark.parametrize("level", LEVELS)
def test_a_transaction_goes_on_where_others_wait_for_it(store: Store, app: Connection, level: str) -> None:
    aggregate, other = uuid4(), uuid4()
    with ThreadPoolExecutor(2) as pool, store.connect(autocommit=False) as first:
        second, third = store.connect(), store.connect()
        append_event(app, other)
        # From its second append on, a session takes the shortest way.
        append_event(first, uuid4())
        first.commit()
        append_event(second, uuid4())
        first.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        # Whoever has waited for the aggregate shares its lock; whoever has not has it alone.
        before = store.connect(autocommit=False)
        append_event(before, aggregate, 0)
        waited = pool.submit(append_event, first, aggregate, 0)
        wait_until(lambda: is_waiting(app, first))
        before.rollback()
        assert waited.result()["event_version"] == 1
        losing = pool.submit(append_event, second, aggregate, 0)
        wait_until(lambda: is_waiting(app, second))
        waiting = pool.submit(append_event, third, aggregate)
        wait_until(lambda: is_waiting(app, third))

        first.execute("SAVEPOINT one")
        assert append_event(first, aggregate)["event_version"] == 2
        assert append_events(first, aggregate, counted(1), -1)["event_version"] == 3
        first.execute("ROLLBACK TO one")
        assert append_event(first, aggregate, 1)["event_version"] == 2
        assert append_event(first, aggregate, command_id=uuid4())["event_version"] == 3
        both = [
            {"aggregate_type": "Counter", "aggregate_id": str(one), "events": counted(1)} for one in (aggregate, other)
        ]
        assert [row["event_version"] for row in call(first, "append_to_aggregates", appends=both)] == [4, 2]
        first.commit()
        with refused("SE001") as refusal:
            losing.result()
        assert refusal.detail == "expected version 0, actual version 4"
        assert waiting.result()["event_version"] == 5
    assert [event["event_version"] for event in stored(app, aggregate)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("many", [False, True], ids=["one event", "a list"])
@pytest.mark.parametrize("end", ["ROLLBACK", "ROLLBACK TO before", "COMMIT"])
def test_who_waits_with_the_same_expectation(store: Store, app: Connection, end: str, *, many: bool) -> None:
    aggregate = uuid4()

    def append(connection: Connection) -> int:
        if many:
            return int(append_events(connection, aggregate, counted(1, 2), 0)["event_version"])
        return int(append_event(connection, aggregate, 0)["event_version"])

    with ThreadPoolExecutor(2) as pool, store.connect(autocommit=False) as first:
        second, third = store.connect(), store.connect()
        first.execute("SAVEPOINT before")
        append(first)
        waiting = pool.submit(append, second)
        wait_until(lambda: is_waiting(app, second))
        mistaken = pool.submit(append_event, third, aggregate, 7)
        wait_until(lambda: is_waiting(app, third))
        first.execute(end)
        if end == "COMMIT":
            with refused("SE001") as refusal:
                waiting.result()
            assert refusal.detail == f"expected version 0, actual version {2 if many else 1}"
        else:
            assert waiting.result() == (2 if many else 1)
        with refused("SE001") as refusal:
            mistaken.result()
        assert refusal.detail.startswith("expected version 7, actual version ")
        first.rollback()


def test_any_version_waits_for_all_that_expect_one(store: Store, app: Connection) -> None:
    aggregate = uuid4()
    with ThreadPoolExecutor(3) as pool, store.connect(autocommit=False) as first:
        sessions: list[Connection] = [store.connect() for _ in range(3)]
        append_event(first, aggregate, 0)
        results: list[Any] = []
        for session, expected in zip(sessions, (None, 0, -1), strict=True):
            results.append(pool.submit(append_event, session, aggregate, expected))
            wait_until(lambda session=session: is_waiting(app, session))  # type: ignore[misc]
        first.commit()
        assert results[0].result()["event_version"] == 2
        with refused("SE001"):
            results[1].result()
        assert results[2].result()["event_version"] == 3
