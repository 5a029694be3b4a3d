"""Writers of all kinds at random, for the stress of the feed: what they append, and what the server told them of it."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from psycopg import IsolationLevel
from psycopg.types.json import Jsonb

from .feed import Connection
from .stores import Store

#: Seconds of each phase: all kinds at once; from idle to a burst, again and again; quick appends among long transactions.
PHASES = (("mixed", 5.0), ("bursts", 4.0), ("long", 3.0))
BURST = 0.3
#: So many of the writers append quickly while the others are long.
QUICK = 5
_ISOLATIONS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE)


@dataclass
class Load:
    """What all writers share."""

    store: Store
    seed: int
    can_prepare: bool
    #: One of `PHASES` for all the time; empty = all of them, again and again.
    only: str = ""
    until: threading.Event = field(default_factory=threading.Event)
    shared: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(6)])
    #: Of each transaction whose COMMIT was acknowledged: its events in the order of the appends.
    committed: list[list[UUID]] = field(default_factory=list)
    transactions: int = 0
    #: SQLSTATEs that were met.
    errors: dict[str, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def phase(self) -> str:
        """Of now."""
        if self.only:
            return self.only
        now = (time.monotonic() - self.started) % sum(seconds for _, seconds in PHASES)
        for name, seconds in PHASES:
            if now < seconds:
                return name
            now -= seconds
        return PHASES[-1][0]


def retry_connect(store: Store, until: Callable[[], bool]) -> Connection | None:
    """A session; None if there is none in time. The server may be on its way up."""
    while not until():
        with suppress(psycopg.Error):
            return store.connect()
        time.sleep(0.05)
    return None


class Writer:
    """One of them."""

    def __init__(self, load: Load, place: int) -> None:
        """``place``: the lowest ones write quickly while the others are long."""
        self.load, self.place = load, place
        self.chance = random.Random(f"{load.seed}/{place}")  # noqa: S311
        self.prepared: dict[str, tuple[float, list[UUID]]] = {}
        self.phase = ""

    def run(self) -> None:
        """Until the load is over; then end what is prepared."""
        session = None
        while not self.load.until.is_set():
            try:
                if session is None and (session := retry_connect(self.load.store, self.load.until.is_set)):
                    # What it waits for may be prepared by itself.
                    session.execute("SET lock_timeout = '1s'")
                if session:
                    self._transaction(session)
                    self._end_prepared(session, time.monotonic())
            except psycopg.OperationalError:
                session = None
        deadline = time.monotonic() + 30
        while self.prepared and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                session = session or retry_connect(self.load.store, lambda: False)
                assert session
                self._end_prepared(session, float("inf"))
                continue
            session = None

    def _nap(self, longest: float = 0.02) -> None:
        if self.chance.random() < 0.4 and not self._quick:
            time.sleep(self.chance.random() * longest)

    @property
    def _quick(self) -> bool:
        return self.phase == "long" and self.place < QUICK

    def _transaction(self, session: Connection) -> None:
        chance, self.phase = self.chance, self.load.phase()
        if self.phase == "bursts":
            time.sleep(BURST - time.monotonic() % BURST + chance.random() * 0.03)
        elif self._quick:
            time.sleep(chance.random() * 0.02)
        is_foreign = chance.random() < 0.1 or (self.phase == "long" and not self._quick)
        isolation = chance.choices(_ISOLATIONS, (60, 25, 15))[0]
        events: list[UUID] = []
        self.load.transactions += 1
        try:
            session.execute(f"BEGIN ISOLATION LEVEL {isolation.name.replace('_', ' ')}")
            if is_foreign:
                session.execute("SELECT pg_current_xact_id()")
                time.sleep(chance.uniform(0.2, 1) if self.phase == "long" else chance.random() * 0.05)
            else:
                self._write(session, events)
            self._finish(session, events)
        except psycopg.Error as error:
            state = error.sqlstate or type(error).__name__
            self.load.errors[state] = self.load.errors.get(state, 0) + 1
            if session.broken or session.closed:
                raise psycopg.OperationalError from error
            session.execute("ROLLBACK")

    def _write(self, session: Connection, events: list[UUID]) -> None:
        chance = self.chance
        if not self._quick:
            if chance.random() < 0.3:  # A transaction with one snapshot has it from here on.
                session.execute("SELECT count(*) FROM event_store.settings")
                self._nap()
            if chance.random() < 0.3:
                session.execute("SELECT pg_current_xact_id()")
                self._nap(0.1)
        for _ in range(1 if self._quick else chance.choices((1, 2, 3, 6), (55, 25, 15, 5))[0]):
            if chance.random() < 0.3 and not self._quick:
                self._in_savepoint(session, events)
            else:
                self._append(session, events)
            self._nap()

    def _in_savepoint(self, session: Connection, events: list[UUID]) -> None:
        mark = len(events)
        session.execute("SAVEPOINT a")
        self._append(session, events)
        if self.chance.random() < 0.3:
            session.execute("SAVEPOINT b")
            self._append(session, events)
            session.execute("RELEASE b")
        if self.chance.random() < 0.5:
            session.execute("ROLLBACK TO a")
            del events[mark:]
            self._nap()
        else:
            session.execute("RELEASE a")

    def _append(self, session: Connection, events: list[UUID]) -> None:
        chance = self.chance
        aggregate = chance.choice(self.load.shared) if chance.random() < 0.4 and not self._quick else uuid4()
        ids = [uuid4() for _ in range(chance.choice((1, 1, 1, 2)))]
        listed = [{"event_type": "Happened", "event_data": {}, "event_id": str(one)} for one in ids]
        expected = self._seen(session, aggregate) if chance.random() < 0.4 else None
        if len(ids) == 1 and chance.random() < 0.7:
            call = "SELECT event_store.append_event('Thing', %s, %s, 'Happened', '{}', event_id => %s)"
            session.execute(call, [aggregate, expected, ids[0]])
        elif chance.random() < 0.7:
            session.execute(
                "SELECT event_store.append_events('Thing', %s, %s, %s)", [aggregate, expected, Jsonb(listed)]
            )
        else:
            ids.append(uuid4())
            more = [{"event_type": "Happened", "event_data": {}, "event_id": str(ids[-1])}]
            parts = [
                {"aggregate_type": "Thing", "aggregate_id": str(one), "events": part, "expected_version": version}
                for one, part, version in ((aggregate, listed, expected), (uuid4(), more, 0))
            ]
            session.execute("SELECT event_store.append_to_aggregates(%s)", [Jsonb(parts)])
        events += ids

    def _seen(self, session: Connection, aggregate: UUID) -> int:
        """The version that this transaction sees; others may be faster. A conflict (SE001) ends the transaction."""
        row = session.execute(
            "SELECT max(event_version) FROM event_store.events WHERE aggregate_type = 'Thing' AND aggregate_id = %s",
            [aggregate],
        ).fetchone()
        return int(row[0] or 0) if row else 0

    def _finish(self, session: Connection, events: list[UUID]) -> None:
        how = self.chance.random()
        if how < 0.1 and not self._quick:
            session.execute("ROLLBACK")
        elif how < 0.2 and events and self.load.can_prepare and not self._quick:
            name = f"stress {uuid4()}"
            # Before it is: a crash may come between its record and the answer.
            self.prepared[name] = (time.monotonic() + self.chance.choice((0, self.chance.random())), events)
            session.execute(f"PREPARE TRANSACTION '{name}'")
        else:
            session.execute("COMMIT")
            self.load.committed.append(events)

    def _end_prepared(self, session: Connection, due: float) -> None:
        for name, (when, events) in list(self.prepared.items()):
            if when <= due:
                there = session.execute("SELECT FROM pg_prepared_xacts WHERE gid = %s", [name]).fetchone()
                is_commit = self.chance.random() < 0.7
                if there is not None:
                    session.execute(f"{'COMMIT' if is_commit else 'ROLLBACK'} PREPARED '{name}'")
                    if is_commit:
                        self.load.committed.append(events)
                del self.prepared[name]
