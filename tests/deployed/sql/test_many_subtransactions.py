"""A transaction with more subtransactions than a snapshot has room for: the feed is as right as without.

From the 65th on all snapshots of the server have overflowed: whose an id is has to be looked up.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from uuid import UUID, uuid4

import psycopg
import pytest

from .feed import COLUMNS, START, Connection, append, events, read, tail
from .stores import Store
from .test_horizon import number, value, write_elsewhere

pytestmark = pytest.mark.releases


def test_nothing_is_skipped_where_snapshots_overflow(empty_store: Store) -> None:
    """Others append all the while, and a reader follows. Some savepoints are rolled back, the first one too."""
    app, other, reader = (empty_store.connect() for _ in range(3))
    mine, over = list[UUID](), Flag()

    def write() -> None:
        for _ in range(300):
            append(other, uuid4())
            time.sleep(0.005)

    with ThreadPoolExecutor(2) as pool, empty_store.connect(autocommit=False) as large:
        following, writing = pool.submit(tail, reader, START, 7, over.is_set), pool.submit(write)
        write_elsewhere(large)
        for turn in range(120):
            append(app, uuid4())
            with large.transaction() as savepoint:
                append(large, aggregate := uuid4())
                if turn % 6 == 0:
                    raise psycopg.Rollback(savepoint)
                mine.append(aggregate)
        (its_number,) = {one for aggregate in mine for one in number(large, aggregate)}
        assert has_overflowed(large, empty_store.connect("postgres"), its_number)
        # Up to the bound that was published before the number was known: others may have got numbers between the two.
        seen = read(app, max_count=None)
        below = f"SELECT {COLUMNS} FROM event_store.events WHERE transaction_id < %s::text::xid8"
        stored = events(app.execute(f"{below} ORDER BY transaction_id, global_position", [its_number]).fetchall())
        assert seen
        assert seen == stored[: len(seen)]
        large.commit()
        writing.result()
        over.set()
        followed = following.result()
    table = app.execute(f"SELECT {COLUMNS} FROM event_store.events ORDER BY transaction_id, global_position").fetchall()
    assert followed == events(table)
    assert len(followed) == 120 + 100 + 300


def has_overflowed(connection: Connection, admin: Connection, feed_number: int) -> bool:
    """Whether the open transaction with that number has more subtransactions than a snapshot has room for."""
    # Each event that was appended in a savepoint has the id of that.
    ids = "SELECT count(DISTINCT xmin::text) FROM event_store.events WHERE transaction_id = %s::text::xid8"
    if value(connection, ids, feed_number) <= 64:
        return False
    if admin.info.server_version < 160_000:
        return True  # Nothing there tells; 64 is a constant of the server's source, PGPROC_MAX_CACHED_SUBXIDS.
    asked = """
        SELECT s.subxact_overflowed
          FROM pg_stat_get_backend_idset() AS b (id)
         CROSS JOIN LATERAL pg_stat_get_backend_subxact(b.id) s
         WHERE pg_stat_get_backend_pid(b.id) = %s"""
    return bool(value(admin, asked, connection.info.backend_pid))
