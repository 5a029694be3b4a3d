"""Writers in threads of this process: not for their speed, but to know of each event when it was acknowledged."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg

from examples.portfolio import Event, generate

from .stores import Store


@dataclass(frozen=True)
class Manner:
    """How a writer behaves: of how many transactions one is slow, and one is rolled back; 0 = none.

    ``elsewhere_one_in``: before one append in so many, a transaction that writes elsewhere is open for ``slow_for``.
    """

    pause: float
    slow_one_in: int = 0
    slow_for: float = 0.05
    undone_one_in: int = 0
    elsewhere_one_in: int = 0


@dataclass
class Writers:
    """Writers of one store, and what was acknowledged to them: by stream, each event has one of its own."""

    store: Store
    manner: Manner
    called: dict[str, int] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    _connecting: threading.Lock = field(default_factory=threading.Lock)

    def write(self, writers: int, seconds: float) -> None:
        """Append for some seconds with so many writers."""
        event = next(event for event in generate(1, 1, updates_per_position=4) if event.event_type == "PositionUpdated")
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(writers) as pool:
            for future in [pool.submit(self._write, [event], until) for _ in range(writers)]:
                future.result()

    def _write(self, events: Sequence[Event], until: float) -> None:
        chance = random.Random()  # noqa: S311
        with self._connecting:
            # One at a time: see Server.reached.
            connection = self.store.connect()
        with connection:
            while time.monotonic() < until:
                if self.manner.elsewhere_one_in and not chance.randrange(self.manner.elsewhere_one_in):
                    with connection.transaction():
                        connection.execute("SELECT pg_current_xact_id()")
                        time.sleep(self.manner.slow_for)
                stream = str(uuid4())
                called = time.monotonic_ns()
                if self._append(connection, UUID(stream), events, chance):
                    self.committed[stream] = time.monotonic_ns()
                    self.called[stream] = called
                time.sleep(self.manner.pause)

    def _append(
        self, connection: "psycopg.Connection[Any]", stream: UUID, events: Sequence[Event], chance: random.Random
    ) -> bool:
        """Whether the transaction was committed."""
        slow, undone = self.manner.slow_one_in, self.manner.undone_one_in
        with connection.transaction() as transaction:
            for statement in self.store.append(stream, 0, events):
                connection.execute(*statement)
            if slow and not chance.randrange(slow):
                time.sleep(self.manner.slow_for)
            if undone and not chance.randrange(undone):
                raise psycopg.Rollback(transaction)
            return True
        return False
