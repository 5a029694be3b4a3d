"""Readers of the feed wait for appends and for nothing else, each case of docs/feed.md by itself."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from .feed import COLUMNS, Connection, Cursor, Event, append, end, events, read, settle, waiting
from .stores import Server, Store

CLASS = "event_store.bound_class()"
ISOLATIONS = [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE]


def value(connection: Connection, statement: str, *parameters: Any) -> Any:
    row = connection.execute(statement, parameters).fetchone()
    assert row
    return row[0]


def write_elsewhere(connection: Connection) -> int:
    """Have the transaction an id; which one."""
    return int(value(connection, "SELECT pg_current_xact_id()::text"))


def aggregates(found: list[Event]) -> list[UUID | None]:
    return [event.aggregate_id for event in found]


def number(connection: Connection, aggregate_id: UUID) -> list[int]:
    """The numbers of an aggregate's events, by version."""
    rows = connection.execute(
        "SELECT transaction_id::text::bigint FROM event_store.get_events('Thing', %s)", [aggregate_id]
    ).fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def open_session(store: Store) -> Iterator[Connection]:
    """A session that begins a transaction by itself, and cannot hold back the tests after this one."""
    session = store.connect(autocommit=False)
    yield session
    session.close()


@pytest.fixture
def foreign(server: Server, store: Store) -> Iterator[list[Connection]]:
    """Two transactions that write and do not append, one of them in another database."""
    sessions = [store.connect("postgres", autocommit=False), server.connect(autocommit=False)]
    for session in sessions:
        write_elsewhere(session)
    yield sessions
    for session in sessions:
        session.close()


@pytest.fixture
def prepared(open_session: Connection, admin: Connection) -> Iterator[Callable[[], str]]:
    """Prepares the transaction of `open_session`; its name."""
    name = f"horizon {uuid4()}"

    def prepare() -> str:
        open_session.execute(f"PREPARE TRANSACTION '{name}'")
        return name

    yield prepare
    if admin.execute("SELECT FROM pg_prepared_xacts WHERE gid = %s", [name]).fetchone() is not None:
        admin.execute(f"ROLLBACK PREPARED '{name}'")


# Whom readers do not wait for


@pytest.mark.usefixtures("foreign")
def test_an_append_can_be_read_at_once_while_others_write(store: Store, app: Connection, admin: Connection) -> None:
    start, aggregate, category = end(app), uuid4(), f"Category {uuid4()}"
    append(app, uuid4())
    append(app, aggregate, 3, category=category)
    seen = read(app, start)
    assert aggregates(seen)[1:] == [aggregate] * 3
    assert end(app) == seen[-1].cursor
    assert waiting(app) == 0
    assert read(app, start, 2) + read(app, seen[1].cursor, 2) == seen
    assert read(app, seen[-1].cursor) == []
    assert aggregates(read(app, start, None)) == aggregates(seen)
    assert aggregates(read(app, start, aggregate_types=[category])) == [aggregate] * 3
    call = f"SELECT {COLUMNS} FROM event_store.get_events_by_category"
    assert events(app.execute(f"{call}(%s)", [category]).fetchall()) == seen[1:]
    assert events(app.execute(f"{call}_backward(%s)", [category]).fetchall()) == seen[:0:-1]
    assert value(app, "SELECT count(*) FROM event_store.feed_blockers()") == 0
    worker = store.connect("event_store_worker")
    assert value(worker, "SELECT event_store.work_feed()") == 1
    assert (
        value(worker, "SELECT current_setting('event_store.announced')") == f"{seen[-1].cursor[0]},{seen[-1].cursor[1]}"
    )
    value(admin, "SELECT event_store.seal_events('0')")
    sealed = "SELECT last_transaction_id::text::bigint, last_position FROM event_store.seals ORDER BY seal DESC LIMIT 1"
    assert admin.execute(sealed).fetchone() == seen[-1].cursor


@pytest.mark.usefixtures("foreign")
def test_subscriptions_and_projections_go_on_while_others_write(app: Connection, admin: Connection) -> None:
    name, aggregate = f"subscription {uuid4()}", uuid4()
    app.execute("SELECT event_store.create_subscription(%s, from_beginning => false)", [name])
    append(app, aggregate, 2)
    assert app.execute(
        "SELECT events_behind, exact FROM event_store.subscription_lag(%s) WHERE partition = 0", [name]
    ).fetchone() == (2, True)
    token = value(app, "SELECT token FROM event_store.claim_partition(%s, 'me')", name)
    page = events(app.execute(f"SELECT {COLUMNS} FROM event_store.read_partition(%s, 0)", [name]).fetchall())
    assert aggregates(page) == [aggregate] * 2
    app.execute("SELECT event_store.acknowledge(%s, 0, %s, %s::text::xid8, %s)", [name, token, *page[-1].cursor])
    while value(admin, "SELECT event_store.work_projections()"):
        pass
    behind = value(admin, "SELECT max(events_behind) FROM event_store.projection_lag()")
    assert behind == 0


def test_a_page_is_whole_from_below_and_above_the_oldest_transaction(
    app: Connection, server: Server, empty_store: Store
) -> None:
    """Wherever the limit is: in the part that the statement's snapshot shows, at its end, and in what comes after it."""
    app = empty_store.connect()
    for _ in range(3):
        append(app, uuid4(), 2)
    settle(app)
    with server.connect(autocommit=False) as other:
        write_elsewhere(other)
        for _ in range(3):
            append(app, uuid4(), 2)
        whole = read(app, max_count=None)
        assert [event.cursor for event in whole] == sorted({event.cursor for event in whole})
        assert len(whole) == 12
        for size in range(1, 14):
            paged: list[Event] = []
            while page := read(app, paged[-1].cursor if paged else Cursor(0, 0), size):
                assert len(page) <= size
                paged += page
            assert paged == whole
        other.rollback()


def test_a_full_page_does_not_look_at_the_locks(server: Server, empty_store: Store) -> None:
    """Nor does a page with nothing behind it."""
    app = empty_store.connect()
    append(app, uuid4(), 20)
    settle(app)

    def looks(size: int) -> bool:
        call = f"EXPLAIN (ANALYZE, TIMING off) SELECT * FROM event_store.read_feed('0', 0, {size})"
        (scan,) = [row[0] for row in app.execute(call).fetchall() if "scan_feed" in row[0]]
        return "never executed" not in scan

    assert [looks(20), looks(21)] == [False, False]
    with server.connect(autocommit=False) as foreign:
        write_elsewhere(foreign)
        append(app, uuid4())
        assert [looks(20), looks(21)] == [False, True]
        foreign.rollback()


@pytest.mark.usefixtures("foreign")
def test_readers_take_no_id_and_no_lock(store: Store, app: Connection) -> None:
    append(app, uuid4())
    with store.connect(autocommit=False) as reader:
        for call in (
            "read_feed()",
            "read_feed(event_types => '{No}')",
            "feed_end()",
            "feed_lag()",
            "feed_blockers()",
            "get_events_by_category('Thing')",
            "subscription_lag('none')",
        ):
            reader.execute(f"SELECT * FROM event_store.{call}")
        assert value(reader, "SELECT pg_current_xact_id_if_assigned()") is None
        held = (
            "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('advisory', 'transactionid')"
        )
        assert value(reader, held) == 0


# Whom readers wait for


def test_an_open_append_is_named_and_nothing_else(
    foreign: list[Connection], open_session: Connection, app: Connection, admin: Connection
) -> None:
    start = end(app)
    append(open_session, uuid4())
    own = write_elsewhere(open_session)
    append(app, uuid4(), 2)
    assert read(app, start) == []
    assert end(app) == start
    assert waiting(app) == 2
    blockers = admin.execute("SELECT transaction_id::text::bigint, pid FROM event_store.feed_blockers()").fetchall()
    assert blockers == [(own, open_session.info.backend_pid)]
    assert foreign[0].info.backend_pid != open_session.info.backend_pid
    open_session.rollback()
    assert len(read(app, start)) == 2


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_writer_with_one_snapshot_that_wrote_before(
    open_session: Connection, app: Connection, isolation: psycopg.IsolationLevel
) -> None:
    """Its id is older than what was read already, and its snapshot too; its number is not."""
    start, first, second, third = end(app), uuid4(), uuid4(), uuid4()
    open_session.isolation_level = isolation
    own = write_elsewhere(open_session)
    append(app, first)
    seen = read(app, start)
    assert aggregates(seen) == [first]
    append(open_session, second)
    (its_number,) = number(open_session, second)
    assert its_number > seen[-1].cursor.transaction_id > own
    append(app, third)
    assert read(app, seen[-1].cursor) == []
    # What is readable does not become less by an old snapshot.
    assert read(app, start) == seen
    open_session.commit()
    assert aggregates(read(app, seen[-1].cursor)) == [second, third]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_reader_with_one_snapshot_waits_for_all_that_write(
    foreign: list[Connection], store: Store, app: Connection, isolation: psycopg.IsolationLevel
) -> None:
    start = end(app)
    append(app, uuid4())
    with store.connect(autocommit=False) as reader:
        reader.isolation_level = isolation
        assert read(reader, start) == []
        for session in foreign:
            session.rollback()
        settle(app)
        append(app, uuid4())
        assert read(reader, start) == []
        reader.commit()
        assert len(read(reader, start)) == 2


def test_after_a_savepoint_was_rolled_back(open_session: Connection, app: Connection) -> None:
    start, mine, others, later = end(app), uuid4(), uuid4(), uuid4()
    with open_session.transaction():
        with open_session.transaction() as dropped:
            append(open_session, mine)
            raise psycopg.Rollback(dropped)
        append(app, others)
        seen = read(app, start)  # The bound has gone with the savepoint.
        assert aggregates(seen) == [others]
        append(open_session, mine)
        assert number(open_session, mine)[0] > seen[-1].cursor.transaction_id
        append(app, later)
        assert read(app, seen[-1].cursor) == []
    assert aggregates(read(app, seen[-1].cursor)) == [mine, later]


def test_savepoints_that_are_released_keep_their_bound(open_session: Connection, app: Connection) -> None:
    start, mine = end(app), uuid4()
    with open_session.transaction():
        with open_session.transaction():
            append(open_session, mine)
        append(app, uuid4())
        assert read(app, start) == []
        append(open_session, mine)
        assert len(set(number(open_session, mine))) == 1
    assert [event.aggregate_id == mine for event in read(app, start)] == [True, True, False]


def test_a_prepared_append(
    prepared: Callable[[], str], open_session: Connection, app: Connection, admin: Connection
) -> None:
    start, mine, later = end(app), uuid4(), uuid4()
    write_elsewhere(open_session)
    append(open_session, mine)
    if not value(admin, "SELECT current_setting('max_prepared_transactions')::integer"):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            prepared()
        return
    name = prepared()
    append(app, later)
    assert read(app, start) == []
    assert admin.execute("SELECT pid, prepared FROM event_store.feed_blockers()").fetchall() == [(None, name)]
    admin.execute(f"COMMIT PREPARED '{name}'")
    assert aggregates(read(app, start)) == [mine, later]


@pytest.mark.parametrize("power", [31, 32, 33])
def test_the_key_of_a_bound_stands_for_the_nearest_id(store: Store, admin: Connection, power: int) -> None:
    """It has 32 bits, one of them the sign. Where ids do pass a power of two, the stress goes (test_feed_stress.py)."""
    published = "SELECT published FROM event_store.published_bounds(%s) WHERE pid = %s"
    with store.connect("postgres", autocommit=False) as writer:
        for bound in range(2**power - 2, 2**power + 3):
            writer.execute("SELECT event_store.publish_bound(%s)", [bound])
            # PostgreSQL hands out no id that is further away.
            for upper in (bound - 2**21, bound - 1, bound, bound + 1, bound + 2**31 - 3_000_000):
                assert value(admin, published, upper, writer.info.backend_pid) == bound
            writer.rollback()


# Forged locks and settings


def test_an_exclusive_lock_does_not_hold_an_append_up(store: Store, app: Connection, admin: Connection) -> None:
    start, mine = end(app), uuid4()
    forger = store.connect()
    # All bounds that the next appends could publish.
    forger.execute(
        f"""SELECT pg_advisory_lock({CLASS.replace("event_store.bound_class()", "%(class)s::integer")},
                   (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + n)::integer)
              FROM generate_series(-600, 600) AS n""",
        {"class": value(admin, f"SELECT {CLASS}")},
    )
    with store.connect(autocommit=False) as writer:
        writer.execute("SET statement_timeout = '1s'")
        append(writer, mine)
        write_elsewhere(writer)
        append(app, uuid4())
        assert read(app, start) == []
        writer.commit()
    forger.close()
    assert len(read(app, start)) == 2


def test_a_shared_lock_is_never_worse_than_the_oldest_transaction(
    server: Server, store: Store, app: Connection, admin: Connection
) -> None:
    start = end(app)
    forger = store.connect()
    for key in (0, -1, 2**31 - 1, -(2**31)):
        forger.execute(
            "SELECT pg_advisory_lock_shared(%s::integer, %s::integer)", [value(admin, f"SELECT {CLASS}"), key]
        )
    append(app, uuid4())
    settle(app)
    seen = read(app, start)
    assert len(seen) == 1
    with server.connect(autocommit=False) as foreign:
        write_elsewhere(foreign)
        append(app, uuid4())
        assert read(app, seen[-1].cursor) == []
        assert (forger.info.backend_pid,) in app.execute("SELECT pid FROM event_store.feed_blockers()").fetchall()
        foreign.rollback()
    settle(app)
    assert len(read(app, seen[-1].cursor)) == 1
    forger.close()


def test_a_forged_number_is_not_used(store: Store, open_session: Connection, app: Connection) -> None:
    """Neither one of somebody else's, nor one of its own that was rolled back."""
    start, others, mine, kept = end(app), uuid4(), uuid4(), uuid4()
    append(app, others)
    (foreign_number,) = number(app, others)
    with open_session.transaction():
        write_elsewhere(open_session)
        with open_session.transaction() as dropped:
            append(open_session, mine)
            (dropped_number,) = number(open_session, mine)
            raise psycopg.Rollback(dropped)
        append(app, uuid4())
        seen = read(app, start)
        assert len(seen) == 2
        for forged in (foreign_number, dropped_number, 1, 2**62):
            open_session.execute("SELECT set_config('event_store.feed_number', %s, true)", [str(forged)])
            if forged < 2**62:
                append(open_session, kept)
            else:
                append(open_session, uuid4())
        assert min(number(open_session, kept)) > seen[-1].cursor.transaction_id
    assert len(read(app, seen[-1].cursor)) == 4


def test_a_full_lock_table(server: Server, empty_store: Store) -> None:
    """Appends fail, as they do without it; readers go on, and skip nothing."""
    app, reader = empty_store.connect(), empty_store.connect()
    append(app, uuid4())
    with server.connect(autocommit=False) as foreign, empty_store.connect(autocommit=False) as greedy:
        write_elsewhere(foreign)
        append(app, uuid4())
        assert len(read(reader)) == 2
        statement = "SELECT pg_advisory_xact_lock(n) FROM generate_series(1, 1000000) AS n"
        with pytest.raises(psycopg.errors.OutOfMemory):
            greedy.execute(statement)
        greedy.rollback()
        # As many as there is room for, and no more.
        for _ in range(10_000):
            greedy.execute("SAVEPOINT room")
            try:
                greedy.execute("SELECT pg_advisory_xact_lock(-(random() * 2^60)::bigint) FROM generate_series(1, 200)")
            except psycopg.errors.OutOfMemory:
                greedy.execute("ROLLBACK TO room")
                break
        filler = "SELECT pg_advisory_xact_lock(-(random() * 2^60)::bigint)"
        while True:
            greedy.execute("SAVEPOINT room")
            try:
                greedy.execute(filler)
            except psycopg.errors.OutOfMemory:
                break
        with pytest.raises(psycopg.errors.OutOfMemory):
            append(app, uuid4())
        assert len(read(reader)) == 2
        greedy.rollback()
        append(app, uuid4())
        assert len(read(reader)) == 3
        foreign.rollback()


# The numbers of one transaction


def test_many_appends_of_a_transaction_have_one_number(open_session: Connection, app: Connection) -> None:
    inserted = "SELECT n_tup_ins FROM pg_stat_xact_user_tables WHERE relname = 'subtransactions'"
    for expected, first in ((0, None), (1, write_elsewhere)):
        mine = [uuid4() for _ in range(30)]
        if first:
            first(open_session)
        for aggregate in mine:
            append(open_session, aggregate)
            with open_session.transaction():
                open_session.execute("SELECT event_store.append_event('Thing', %s, 1, 'Happened', '{}')", [aggregate])
        numbers = {one for aggregate in mine for one in number(open_session, aggregate)}
        assert len(numbers) == 1
        assert value(open_session, inserted) == expected
        open_session.commit()
        settle(app)


def test_a_session_that_forgets_its_check_is_not_in_the_way_of_its_own_events(
    open_session: Connection, app: Connection
) -> None:
    """The number is that of a subtransaction, above everything that the server has seen to end."""
    write_elsewhere(open_session)
    for _ in range(3):
        append(open_session, uuid4())
        open_session.execute("RESET ALL")
    assert value(open_session, "SELECT event_store.feed_end() IS NOT NULL")
    open_session.execute("COMMIT")
    settle(app)


def test_a_raised_number_is_kept(open_session: Connection, app: Connection) -> None:
    start, early, went_on, late, nested = end(app), uuid4(), uuid4(), uuid4(), uuid4()
    append(open_session, early)
    append(app, went_on)
    append(open_session, went_on)
    append(open_session, late)
    with open_session.transaction():
        append(open_session, nested)
    (raised,) = number(open_session, late)
    assert [number(app, went_on), number(open_session, nested)] == [[raised], [raised]]
    open_session.commit()
    assert aggregates(read(app, start)) == [early, went_on, went_on, late, nested]


def test_a_reader_may_see_a_part_of_a_transaction_with_several_numbers(
    store: Store, open_session: Connection, app: Connection, admin: Connection
) -> None:
    """Each number has its bound, and before the commit readers wait for the lowest one."""
    start, first, committed, between, second = end(app), uuid4(), uuid4(), uuid4(), uuid4()
    write_elsewhere(open_session)
    append(open_session, first)
    append(app, committed)
    with store.connect(autocommit=False) as late:
        append(late, between)
        open_session.execute("RESET event_store.feed_number")  # So that it knows nothing of its first one.
        append(open_session, second)
        numbers = number(open_session, first) + number(late, between) + number(open_session, second)
        assert numbers == sorted(set(numbers))
        published = "SELECT count(*) FROM event_store.published_bounds(%s) WHERE pid = %s"
        assert value(admin, published, write_elsewhere(admin), open_session.info.backend_pid) == 2
        assert read(app, start) == []
        open_session.commit()
        seen = read(app, start)
        assert aggregates(seen) == [first, committed]
        late.commit()
    assert aggregates(read(app, seen[-1].cursor)) == [between, second]


# Acknowledging


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.usefixtures("foreign")
def test_a_page_is_acknowledged_in_a_transaction_with_one_snapshot(
    store: Store, app: Connection, isolation: psycopg.IsolationLevel
) -> None:
    name = f"subscription {uuid4()}"
    app.execute("SELECT event_store.create_subscription(%s, from_beginning => false)", [name])
    append(app, uuid4(), 2)
    token = value(app, "SELECT token FROM event_store.claim_partition(%s, 'me')", name)
    page = events(app.execute(f"SELECT {COLUMNS} FROM event_store.read_partition(%s, 0)", [name]).fetchall())
    assert len(page) == 2
    with store.connect(autocommit=False) as late, store.connect(autocommit=False) as consumer:
        # Its id and its snapshot are older than the page, its bound is published after it was read.
        late.isolation_level = isolation
        write_elsewhere(late)
        append(late, uuid4())
        consumer.isolation_level = isolation
        write_elsewhere(consumer)
        consumer.execute(
            "SELECT event_store.acknowledge(%s, 0, %s, %s::text::xid8, %s)", [name, token, *page[-1].cursor]
        )
        consumer.commit()
        late.rollback()
    assert value(app, "SELECT events_behind FROM event_store.subscription_lag(%s) WHERE partition = 0", name) == 0


def test_a_place_above_an_open_append_is_refused(open_session: Connection, app: Connection) -> None:
    """The place of an event that was not read in the feed, but in its aggregate."""
    name, mine = f"subscription {uuid4()}", uuid4()
    app.execute("SELECT event_store.create_subscription(%s, from_beginning => false)", [name])
    token = value(app, "SELECT token FROM event_store.claim_partition(%s, 'me')", name)
    append(open_session, uuid4())
    append(app, mine)
    (event,) = events(app.execute(f"SELECT {COLUMNS} FROM event_store.get_events('Thing', %s)", [mine]).fetchall())
    call = "SELECT event_store.acknowledge(%s, 0, %s, %s::text::xid8, %s)"
    with pytest.raises(psycopg.Error) as refused:
        app.execute(call, [name, token, *event.cursor])
    assert refused.value.sqlstate == "SE002"
    open_session.commit()
    app.execute(call, [name, token, *event.cursor])


# The update of a store whose functions did not publish


def forget_bounds(admin: Connection) -> str:
    """Make the store one that was just updated; the function that published nothing."""
    admin.execute("UPDATE event_store.settings SET bounds_are_complete = false")
    new = value(admin, "SELECT pg_get_functiondef('event_store.feed_number'::regproc)")
    admin.execute(
        """CREATE OR REPLACE FUNCTION event_store.feed_number(feed_offset bigint, last_number xid8 DEFAULT NULL)
           RETURNS xid8 LANGUAGE sql VOLATILE
           AS 'SELECT greatest((pg_current_xact_id()::text::bigint + feed_offset)::text::xid8, last_number)'"""
    )
    return str(new)


@pytest.mark.parametrize("is_prepared", [False, True])
def test_an_open_append_of_before_the_update_is_waited_for(
    server: Server, empty_store: Store, *, is_prepared: bool
) -> None:
    app, admin, worker = (
        empty_store.connect(),
        empty_store.connect("postgres"),
        empty_store.connect("event_store_worker"),
    )
    new, old, later = forget_bounds(admin), empty_store.connect(autocommit=False), uuid4()
    append(old, uuid4())
    admin.execute(new)
    is_prepared &= bool(value(admin, "SELECT current_setting('max_prepared_transactions')::integer"))
    name = f"old {uuid4()}"
    if is_prepared:
        old.execute(f"PREPARE TRANSACTION '{name}'")
    append(app, later)

    complete = "SELECT bounds_are_complete FROM event_store.settings"
    value(worker, "SELECT event_store.work_feed()")
    assert value(app, complete) is False
    assert read(app) == []
    assert waiting(app) == 1
    assert len(app.execute("SELECT FROM event_store.feed_blockers()").fetchall()) >= 1
    # It is not tried at once again, because it stops everybody for a moment.
    if is_prepared:
        admin.execute(f"COMMIT PREPARED '{name}'")
    else:
        old.commit()
    value(worker, "SELECT event_store.work_feed()")
    assert value(app, complete) is False
    worker.execute("SELECT set_config('event_store.bounds_tried', '', false)")
    value(worker, "SELECT event_store.work_feed()")
    assert value(app, complete) is True
    with server.connect(autocommit=False) as foreign:
        write_elsewhere(foreign)
        append(app, later)
        assert len(read(app)) == 3
        foreign.rollback()


def test_an_append_that_began_before_the_update_publishes_or_is_waited_for(empty_store: Store) -> None:
    """It waits for its turn at the aggregate, with the old function, and holds no lock on the events yet."""
    admin, holder = empty_store.connect("postgres"), empty_store.connect(autocommit=False)
    new, aggregate = forget_bounds(admin), uuid4()
    # The session knows the old function, and has a plan with it.
    late = empty_store.connect(autocommit=False)
    for _ in range(7):
        append(late, uuid4())
        late.commit()
    key = value(admin, "SELECT event_store.aggregate_lock('Thing', %s)", aggregate)
    holder.execute("SELECT pg_advisory_xact_lock(%s)", [key])
    late.execute("SELECT 1")  # Its transaction begins.
    waiter = late.pgconn
    waiter.send_query(
        b"SELECT event_store.append_event('Thing', '" + str(aggregate).encode() + b"', NULL, 'Happened', '{}')"
    )
    queued = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = %s"
    while not value(admin, queued, late.info.backend_pid):
        pass
    admin.execute(new)
    assert value(admin, "SELECT event_store.complete_bounds()") is True
    holder.rollback()
    while not waiter.get_result():
        pass
    published = f"SELECT count(*) FROM pg_locks WHERE pid = %s AND objsubid = 2 AND classid = {CLASS}::oid"
    assert value(admin, published, late.info.backend_pid) == 1
    late.close()
