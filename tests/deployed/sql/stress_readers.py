"""Readers of all kinds, for the stress of the feed: how each gets its pages, and goes on from them."""

import random
import time
from collections.abc import Callable

import psycopg

from .feed import COLUMNS, START, Connection, Cursor, Event, events, read
from .stores import Store
from .stress_writers import retry_connect

Page = Callable[[Connection, Cursor], list[Event]]


def _by_pages(size: int) -> Page:
    return lambda session, after: read(session, after, size)


def _by_category(session: Connection, after: Cursor) -> list[Event]:
    call = f"SELECT {COLUMNS} FROM event_store.get_events_by_category('Thing', %s::text::xid8, %s, 100)"
    return events(session.execute(call, [*after]).fetchall())


def _by_scan(session: Connection, after: Cursor) -> list[Event]:
    return read(session, after, 50, ["Happened"])


def _with_one_snapshot(session: Connection, after: Cursor) -> list[Event]:
    with session.transaction():
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return read(session, after, 1000)


def _by_text(session: Connection, after: Cursor) -> list[Event]:
    cursor = "event_store.cursor_at(%s::text::xid8, %s)"
    return events(
        session.execute(f"SELECT {COLUMNS} FROM event_store.read_feed_after({cursor}, 100)", [*after]).fetchall()
    )


def to_the_horizon(session: Connection, after: Cursor) -> list[Event]:
    """A page of what is below a horizon, and, at its end, the horizon itself: a cursor that is no event's place.

    The horizon comes first, and the page from the table: a page of the feed has a horizon of its own, which may be lower.
    """
    session.execute("RESET SESSION AUTHORIZATION")  # The horizon is not for the application.
    row = session.execute("SELECT event_store.next_horizon()::text::bigint").fetchone()
    assert row
    page = events(
        session.execute(
            f"""SELECT {COLUMNS} FROM event_store.events
                 WHERE event_store.check_place(%(number)s::text::xid8, %(position)s)
                   AND (transaction_id, global_position) > (%(number)s::text::xid8, %(position)s)
                   AND transaction_id < %(horizon)s::text::xid8
                 ORDER BY transaction_id, global_position LIMIT 100""",
            {"number": after.transaction_id, "position": after.position, "horizon": row[0]},
        ).fetchall()
    )
    mark = Cursor(row[0] - 1, 2**62)
    return [*page, Event(mark, None, None, None, None)] if len(page) < 100 and mark > after else page


READERS: dict[str, Page] = {
    "pages of 1000": _by_pages(1000),
    "pages of 3": _by_pages(3),
    "pages of 40": _by_pages(40),
    "category": _by_category,
    "filtered": _by_scan,
    "one snapshot": _with_one_snapshot,
    "by text": _by_text,
}


def follow(store: Store, page: Page, over: Callable[[], bool], wait: float) -> list[Event]:
    """What a reader sees until a page is empty after the end. What has no id is a cursor only."""
    seen: list[Event] = []
    session, after, empty = None, START, 0
    while empty < 3:
        last = over()
        try:
            session = session or retry_connect(store, lambda: False)
            assert session
            if found := page(session, after):
                seen += [event for event in found if event.event_id]
                after, empty = found[-1].cursor, 0
                if found[-1].event_id:
                    continue
            else:
                empty = empty + 1 if last else 0
        except psycopg.OperationalError:
            session = None
        time.sleep(0.05 if last else wait * random.random())  # noqa: S311
    return seen
