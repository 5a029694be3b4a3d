"""The feed under stress: writers of all kinds, readers of all kinds, crashes; then what each reader saw against the table."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from .feed import COLUMNS, START, Connection, Cursor, Event, events, read
from .stores import Store
from .stress_writers import Load, Writer, retry_connect

WRITERS = 10
Page = Callable[[Connection, Cursor], list[Event]]


@dataclass
class Found:
    """What a run has come to. ``wrong``: in words, with an example each."""

    stored: int = 0
    transactions: int = 0
    crashes: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def _by_pages(size: int) -> Page:
    return lambda session, after: read(session, after, size)


def _by_category(session: Connection, after: Cursor) -> list[Event]:
    call = f"SELECT {COLUMNS} FROM event_store.get_events_by_category('Thing', %s::text::xid8, %s, 100)"
    return events(session.execute(call, [*after]).fetchall())


def _by_scan(session: Connection, after: Cursor) -> list[Event]:
    return [event for event in read(session, after, 50, ["Happened"]) if event.event_id]


def _with_one_snapshot(session: Connection, after: Cursor) -> list[Event]:
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return read(session, after, 1000)


def _by_text(session: Connection, after: Cursor) -> list[Event]:
    cursor = "event_store.cursor_at(%s::text::xid8, %s)"
    return events(
        session.execute(f"SELECT {COLUMNS} FROM event_store.read_feed_after({cursor}, 100)", [*after]).fetchall()
    )


READERS: dict[str, Page] = {
    "pages of 1000": _by_pages(1000),
    "pages of 3": _by_pages(3),
    "pages of 40": _by_pages(40),
    "category": _by_category,
    "filtered": _by_scan,
    "one snapshot": _with_one_snapshot,
    "by text": _by_text,
}


def follow(
    store: Store, page: Page, over: Callable[[], bool], wait: float, *, to_the_horizon: bool = False
) -> list[Event]:
    """What a reader sees until a page is empty after the end. ``to_the_horizon``: with a cursor that is no event's place."""
    seen: list[Event] = []
    session, after, empty = None, START, 0
    while empty < 3:
        last = over()
        try:
            session = session or retry_connect(store, lambda: False)
            assert session
            if found := page(session, after):
                seen += found
                after, empty = found[-1].cursor, 0
                continue
            empty = empty + 1 if last else 0
            if to_the_horizon:
                row = session.execute(
                    "SELECT s.feed_offset + pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1"
                    "  FROM event_store.settings s"
                ).fetchone()
                assert row
                after = max(after, Cursor(row[0], 2**62))
        except psycopg.OperationalError:
            session = None
        time.sleep(0.05 if last else wait * random.random())  # noqa: S311
    return seen


def stress(
    store: Store,
    seconds: float,
    *,
    seed: int,
    only: str = "",
    crashes: int = 0,
    to_the_horizon: bool = False,
    standby: Store | None = None,
) -> Found:
    """Let writers and readers run, and compare. ``only``: one phase of `stress_writers.PHASES` for all the time.

    ``standby``: the same store on a standby, which is read as well.
    """
    with store.connect("postgres") as admin:
        row = admin.execute("SELECT current_setting('max_prepared_transactions')::integer").fetchone()
    load = Load(store, seed, can_prepare=bool(row and row[0]), only=only)
    written, quiet = threading.Event(), threading.Event()
    found = Found()
    readers = {name: (store, page) for name, page in READERS.items()}
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
                to_the_horizon=to_the_horizon,
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
        seen = {name: future.result() for name, future in reading.items()}
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
