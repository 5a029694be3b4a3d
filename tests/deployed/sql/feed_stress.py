"""The feed under stress: writers of all kinds, readers of all kinds, crashes; then what each reader saw against the table."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from .feed import COLUMNS, Cursor, Event, events
from .stores import Store
from .stress_readers import READERS, follow, to_the_horizon
from .stress_writers import Load, Writer, retry_connect

WRITERS = 10
#: The reader whose cursor is no event's place.
HORIZON = "to the horizon"


@dataclass
class Found:
    """What a run has come to. ``wrong``: in words, with an example each."""

    stored: int = 0
    transactions: int = 0
    crashes: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def stress(
    store: Store,
    seconds: float,
    *,
    seed: int,
    only: str = "",
    crashes: int = 0,
    with_horizon: bool = False,
    standby: Store | None = None,
) -> Found:
    """Let writers and readers run, and compare. ``only``: one phase of `stress_writers.PHASES` for all the time.

    ``with_horizon``: one more reader, whose cursor is the horizon. ``standby``: the same store on a standby, which is read
    as well.
    """
    with store.connect("postgres") as admin:
        row = admin.execute("SELECT current_setting('max_prepared_transactions')::integer").fetchone()
    load = Load(store, seed, can_prepare=bool(row and row[0]), only=only)
    written, quiet = threading.Event(), threading.Event()
    found = Found()
    readers = {name: (store, page) for name, page in READERS.items()}
    if with_horizon:
        readers[HORIZON] = (store, to_the_horizon)
    if standby:
        readers |= {f"{name}, standby": (standby, page) for name, page in READERS.items()}
    with ThreadPoolExecutor(WRITERS + len(readers) + 1) as pool:
        reading = {
            name: pool.submit(
                follow,
                where,
                page,
                quiet.is_set,
                0.005 if name == "pages of 1000" else 0.03,
            )
            for name, (where, page) in readers.items()
        }
        working = pool.submit(_work, store, standby, written.is_set) if standby else None
        writing = [pool.submit(Writer(load, place).run) for place in range(WRITERS)]
        for _ in range(crashes):
            time.sleep(seconds / (crashes + 1))
            found.crashes += _crash(store)
        time.sleep(seconds / (crashes + 1))
        load.until.set()
        for writer in writing:
            writer.result()
        written.set()
        if working:
            working.result()
        quiet.set()
        seen = {}
        for name, future in reading.items():
            try:
                seen[name] = future.result()
            except psycopg.Error as error:
                if error.sqlstate != "SE018":
                    raise
                found.wrong.append(f"{name}: refused, {error}")
    found.transactions, found.errors = load.transactions, load.errors
    _compare(store, load, seen, found)
    store.close()
    return found


def _work(store: Store, standby: Store, over: Callable[[], bool]) -> None:
    """What the worker does, until the standby knows of everything."""
    worker, there = store.connect("postgres"), standby.connect("postgres")
    while True:
        last = over()
        worker.execute("SELECT event_store.work_feed()")
        end = worker.execute("SELECT max(transaction_id)::text::bigint FROM event_store.events").fetchone()
        confirmed = there.execute("SELECT last_value FROM event_store.confirmed_horizon").fetchone()
        if last and confirmed and end and confirmed[0] > end[0]:
            return
        time.sleep(0.05)


def _crash(store: Store) -> int:
    """Kill one of the server's processes: it then ends all the others and recovers."""
    with suppress(psycopg.Error), store.connect("postgres") as admin:
        row = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "ORDER BY random() LIMIT 1"
        ).fetchone()
        assert row
        admin.execute(f"COPY (SELECT 1) TO PROGRAM 'kill -KILL {row[0]}'")
    return 1


def _compare(store: Store, load: Load, seen: dict[str, list[Event]], found: Found) -> None:
    session = retry_connect(store, lambda: False)
    assert session
    table = events(
        session.execute(f"SELECT {COLUMNS} FROM event_store.events ORDER BY transaction_id, global_position").fetchall()
    )
    places: dict[UUID | None, Cursor] = {event.event_id: event.cursor for event in table}
    found.stored = len(table)
    for name, rows in seen.items():
        ids = [event.event_id for event in rows]
        if skipped := [event for event in table if event.event_id not in set(ids)]:
            found.wrong.append(f"{name}: skipped {len(skipped)}, the first {skipped[0]}")
        if phantoms := [event for event in rows if event.event_id not in places]:
            found.wrong.append(f"{name}: {len(phantoms)} that were never committed, the first {phantoms[0]}")
        if len(ids) != len(set(ids)) or rows != sorted(rows, key=lambda event: event.cursor):
            found.wrong.append(f"{name}: repeated, or out of order")
    last: dict[UUID | None, int] = {}
    for event in table:
        if event.version != last.get(event.aggregate_id, 0) + 1:
            found.wrong.append(f"versions out of order: {event}")
            break
        last[event.aggregate_id] = event.version
    for appended in load.committed:
        if missing := [one for one in appended if one not in places]:
            found.wrong.append(f"acknowledged and not stored: {missing[0]}")
        elif [places[one] for one in appended] != sorted(places[one] for one in appended):
            found.wrong.append(f"a transaction's events out of order: {[places[one] for one in appended]}")
