"""What the benchmarks ask of a store. A stream is named by a UUID; its versions are counted from 1 here."""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

import psycopg
from psycopg.abc import Params
from psycopg.types.json import set_json_loads

from examples.portfolio import AGGREGATE_TYPE, Event, generate

from ..server import BenchServer

#: One statement with its parameters.
Statement = tuple[Any, Params | None]

#: In scripts of pgbench: each client counts its events in :n and begins a new stream after ten of them. The id is spread
#: over the index as random ones are, and known without a question to the server.
STREAM_AND_VERSION: Final = """\
\\set n :n + 1
\\set stream :n / 10
\\set version :n % 10 + 1
"""
STREAM_ID: Final = "md5(:run::text || '/' || :client_id::text || '/' || :stream::text)::uuid"
_ACKNOWLEDGE: Final = """
    CREATE FUNCTION public.acknowledge(stored boolean) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        IF stored IS NOT TRUE THEN
            RAISE EXCEPTION 'version conflict' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN stored;
    END
    $$
"""
_LISTEN: Final = Path(__file__).parents[1] / "listen.py"
#: Events in a stream that `fill` makes.
PER_STREAM: Final = 10


def payload() -> str:
    """The payload of one event, as JSON: the same for all stores, and a parameter as in an application."""
    event = next(event for event in generate(1, 1, updates_per_position=4) if event.event_type == "PositionUpdated")
    return json.dumps(event.data)


@dataclass
class Store(ABC):
    """One store in a database of its own."""

    server: BenchServer
    database: str = field(default="", init=False)

    #: Its name in the figures.
    name: ClassVar[str]
    #: Whom pgbench is while it uses the store; None = the superuser.
    role: ClassVar[str | None] = None
    #: The statement for a page of the feed: $1, $2 … are the cursor, the last parameter the number of events.
    feed: ClassVar[str]
    #: The columns of the page's last row that are the next cursor, and the cursor before the first event.
    cursor: ClassVar[tuple[str, ...]]
    start: ClassVar[tuple[str, ...]]
    #: The column that ends with the stream's id.
    stream_column: ClassVar[str]
    #: The column that is another one for each event.
    key_column: ClassVar[str]
    #: What is to be listened to; none: the feed is looked at again and again.
    channel: ClassVar[str | None] = None
    #: How often a client of this store looks by itself, in seconds.
    looks_every: ClassVar[float] = 1.0
    #: The table of events, and how a stream's versions are read from it, by %(id)s, in order.
    table: ClassVar[str]
    versions: ClassVar[str]
    #: Variables of its scripts, beside :type and :payload.
    variables: ClassVar[Mapping[str, str]] = {}
    #: For pgbench: one event with the exact expected version, in a transaction of its own.
    append_script: ClassVar[str]
    #: The same without its transaction.
    append_statements: ClassVar[str]
    #: For pgbench: one event to the stream :stream, whatever its version. A conflict is a serialization failure.
    contended_script: ClassVar[str]
    #: All events of a stream, in order: %(type)s, %(stream)s and the variables of its scripts.
    read: ClassVar[str]
    #: One transaction's worth of `fill`, in streams of ten: %(first)s to %(last)s are the numbers of the events.
    fill_statement: ClassVar[str]

    @property
    def shown(self) -> str:
        """Its name in the figures."""
        return self.name

    @property
    def read_script(self) -> str:
        """For pgbench: all events of the stream :stream."""
        names = ("type", "stream", *self.variables)
        return f"{self.read % {name: f':{name}' for name in names}};\n"

    @property
    def slow_script(self) -> str:
        """For pgbench: one event in a transaction, of which one in 20 stays open for 10 ms after the append."""
        slow = "\\set slow random(1, 20)\n\\if :slow = 1\n\\sleep 10 ms\n\\endif\n"
        return f"{STREAM_AND_VERSION}BEGIN;\n{self.append_statements}{slow}COMMIT;\n"

    def follow(self, key: str, start: Sequence[str], *, told: bool = False, every: float = 0.005) -> list[str]:
        """The command of a reader of the feed: looking every 5 ms, or told in the way that this store's clients are."""
        wanted = {
            "feed": self.feed,
            "cursor": self.cursor,
            "start": list(start),
            "key": key,
            "channel": self.channel if told else None,
            "interval": self.looks_every if told else every,
        }
        return [sys.executable, str(_LISTEN), json.dumps(wanted)]

    def listener(self) -> list[str]:
        """The command of a reader that is told of new events in the store's own way, and says their streams."""
        return self.follow(self.stream_column, self.feed_end(), told=True)

    def feed_end(self) -> list[str]:
        """The cursor behind the last event that is stored."""
        # By the table's columns: ORDER BY prefers a column of the result, and that is a text.
        order = ", ".join(f"stored.{column} DESC" for column in self.cursor)
        columns = ", ".join(f"stored.{column}::text" for column in self.cursor)
        last = f"SELECT {columns} FROM {self.table} AS stored ORDER BY {order} LIMIT 1"
        with self.server.connect(self.database) as connection:
            found = connection.execute(last).fetchone()
        return list(found or self.start)

    def keys(self) -> set[str]:
        """The key of every event that is stored."""
        with self.server.connect(self.database) as connection:
            rows = connection.execute(f"SELECT {self.key_column}::text FROM {self.table}").fetchall()
        return {row[0] for row in rows}

    @abstractmethod
    def create(self) -> None:
        """Make the database and the store in it."""

    @abstractmethod
    def append(self, stream: UUID, version: int, events: Sequence[Event]) -> list[Statement]:
        """What appends events behind ``version`` in one transaction (0: a new stream)."""

    def make_acknowledge(self) -> None:
        """For scripts of stores that report a conflict in another way than pgbench can count."""
        with self.server.connect(self.database) as connection:
            connection.execute(_ACKNOWLEDGE)

    def drop(self) -> None:
        """Remove the database."""
        self.server.drop(self.database)

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection with the store's privileges; JSON comes as text, because decoding it is not the store's work."""
        options = {"options": f"-c role={self.role}"} if self.role else {}
        connection = self.server.connect(self.database, **options)
        set_json_loads(lambda text: text, connection)
        return connection

    def fill(self, first: int, last: int, at_once: int = 10_000) -> None:
        """Store events in bulk, as the superuser and past the store's functions: the same tables, only sooner."""
        parameters = {"payload": payload(), "type": AGGREGATE_TYPE}
        with self.server.connect(self.database) as connection:
            for start in range(first, last, at_once):
                end = min(start + at_once, last) - 1
                connection.execute(self.fill_statement, {**parameters, "first": start, "last": end})
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def count(self) -> int:
        """How many events are stored."""
        with self.server.connect(self.database) as connection:
            found = connection.execute(f"SELECT count(*) FROM {self.table}").fetchone()
        assert found is not None
        return int(found[0])

    def versions_of(self, stream: UUID) -> list[int]:
        """The versions of a stream's events, in order; the first is 1."""
        with self.server.connect(self.database) as connection:
            return [row[0] for row in connection.execute(self.versions, {"id": str(stream)}).fetchall()]

    def execute(self, connection: "psycopg.Connection[Any]", statements: Sequence[Statement]) -> None:
        """Run an append in one transaction.

        Not in a pipeline: psycopg's waits for ever when a statement does not fit into the socket's buffer.
        """
        if len(statements) == 1:
            connection.execute(*statements[0])
            return
        with connection.transaction():
            for statement in statements:
                connection.execute(*statement)
