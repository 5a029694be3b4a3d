"""The feed as a consumer sees it, for the tests of the feed, of subscriptions and of restored stores."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]
#: Where a test gives up; nothing is measured against it.
PATIENCE = 60.0


class Cursor(NamedTuple):
    """A place in the feed."""

    transaction_id: int
    position: int


START = Cursor(0, 0)


@dataclass(frozen=True)
class Event:
    """What a consumer gets; without an id it is a cursor only."""

    cursor: Cursor
    event_id: UUID | None
    aggregate_id: UUID | None
    version: int | None
    event_type: str | None


COLUMNS = "transaction_id::text::bigint, global_position, event_id, aggregate_id, event_version, event_type"


def events(rows: Sequence[tuple[Any, ...]]) -> list[Event]:
    """Rows of ``COLUMNS``."""
    return [Event(Cursor(*row[:2]), *row[2:]) for row in rows]


def append(
    connection: Connection, aggregate_id: UUID, count: int = 1, event_type: str = "Happened", category: str = "Thing"
) -> None:
    """Append events to an aggregate, whatever its version."""
    new = [{"event_type": event_type, "event_data": {"number": number}} for number in range(count)]
    connection.execute("SELECT event_store.append_events(%s, %s, NULL, %s)", [category, aggregate_id, Jsonb(new)])


def read(
    connection: Connection,
    after: Cursor = START,
    max_count: int | None = 1000,
    event_types: list[str] | None = None,
    aggregate_types: list[str] | None = None,
) -> list[Event]:
    """One page."""
    return events(
        connection.execute(
            f"SELECT {COLUMNS} FROM event_store.read_feed(%s::text::xid8, %s, %s::integer, %s, %s)",
            [*after, max_count, event_types, aggregate_types],
        ).fetchall()
    )


def end(connection: Connection) -> Cursor:
    """Where the feed ends for now."""
    row = connection.execute(
        "SELECT transaction_id::text::bigint, global_position FROM event_store.feed_end()"
    ).fetchone()
    assert row
    return Cursor(*row)


def tail(connection: Connection, after: Cursor, max_count: int, over: Callable[[], bool]) -> list[Event]:
    """Page through the feed, past its end too, until ``over`` was true before a page that came back empty."""
    seen: list[Event] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        last = over()
        if page := read(connection, after, max_count):
            seen += page
            after = page[-1].cursor
        elif last and not waiting(connection):
            return seen
        else:
            time.sleep(0.002)
    raise AssertionError(f"the feed did not come to an end, after {len(seen)} events")


def waiting(connection: Connection) -> int:
    """How many committed events nobody can read yet."""
    row = connection.execute("SELECT events_waiting FROM event_store.feed_lag()").fetchone()
    assert row
    return int(row[0])


def settle(connection: Connection) -> None:
    """Wait until all that is committed can be read: a transaction in another database holds the feed back as well."""
    wait_until(lambda: not waiting(connection))


def wait_until(true: Callable[[], bool]) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
