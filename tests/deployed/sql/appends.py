"""The writing functions of the store as the tests call them, and what they answer when they refuse."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from .stores import Store

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


@dataclass
class Refusal:
    """What the server said."""

    sqlstate: str
    message: str = ""
    detail: str = ""
    hint: str = ""


@contextmanager
def refused(sqlstate: str) -> Iterator[Refusal]:
    """The block ends with this error; what it said is there afterwards. Every error says what to do next."""
    refusal = Refusal(sqlstate)
    with pytest.raises(psycopg.Error) as caught:
        yield refusal
    assert caught.value.sqlstate == sqlstate, caught.value
    said = caught.value.diag
    refusal.message, refusal.detail = said.message_primary or "", said.message_detail or ""
    refusal.hint = said.message_hint or ""
    assert refusal.hint


def call(connection: Connection, function: str, **arguments: Any) -> list[Row]:
    """The rows of a function of the store, called with named arguments; dicts and lists of dicts go as JSON."""
    named = ", ".join(f"{name} => %({name})s" for name in arguments)
    values = {name: Jsonb(value) if isinstance(value, dict | list) else value for name, value in arguments.items()}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT * FROM event_store.{function}({named})", values).fetchall()


def append_event(connection: Connection, aggregate_id: UUID, expected: int | None = None, /, **more: Any) -> Row:
    """One event of the type Counted on a counter, unless said otherwise."""
    arguments = {
        "aggregate_type": "Counter",
        "aggregate_id": aggregate_id,
        "expected_version": expected,
        "event_type": "Counted",
        "event_data": {},
    }
    (row,) = call(connection, "append_event", **arguments | more)
    return row


def append_events(
    connection: Connection, aggregate_id: UUID, events: Any, expected: int | None = None, /, **more: Any
) -> Row:
    """Several events on a counter, unless said otherwise."""
    arguments = {"aggregate_type": "Counter", "aggregate_id": aggregate_id, "expected_version": expected}
    (row,) = call(connection, "append_events", **arguments | {"events": events} | more)
    return row


def counted(*numbers: int, **more: Any) -> list[Row]:
    """Events for a list, one for each number."""
    return [{"event_type": "Counted", "event_data": {"n": number}} | more for number in numbers]


def stored(connection: Connection, aggregate_id: UUID, aggregate_type: str = "Counter") -> list[Row]:
    """The events of an aggregate."""
    return call(connection, "get_events", aggregate_type=aggregate_type, aggregate_id=aggregate_id)


def is_waiting(connection: Connection, other: Connection) -> bool:
    """Whether the other session waits for a third one."""
    return connection.execute("SELECT pg_blocking_pids(%s)", [other.info.backend_pid]).fetchone() != ([],)


def at_once(store: Store, count: int, work: Callable[[Connection, int], Any]) -> list[Any]:
    """What ``work`` returns, or the SQLSTATE that it ends with, in sessions of its own that start together."""
    results: list[Any] = [None] * count
    together = Barrier(count)

    def run(number: int, connection: Connection) -> None:
        with connection:
            together.wait()
            try:
                results[number] = work(connection, number)
            except psycopg.Error as error:
                results[number] = error.sqlstate

    threads = [Thread(target=run, args=(number, store.connect())) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
