"""The feed never skips and never repeats an event, whoever appends meanwhile, and says what holds it back."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest

from .feed import START, Connection, Cursor, Event, append, end, read, settle, tail, waiting
from .stores import Store


@pytest.fixture
def slow(store: Store) -> Iterator[Connection]:
    """A session that begins a transaction by itself, and cannot hold back the tests after this one."""
    session = store.connect(autocommit=False, application_name="slow import")
    yield session
    session.close()


def ids(events: list[Event]) -> list[UUID | None]:
    return [event.event_id for event in events]


def stored(connection: Connection, aggregate_id: UUID) -> list[UUID | None]:
    """The events of an aggregate in the order of their versions."""
    rows = connection.execute("SELECT event_id FROM event_store.get_events('Thing', %s)", [aggregate_id])
    return [row[0] for row in rows.fetchall()]


def test_nothing_is_in_an_empty_feed(empty_store: Store) -> None:
    app = empty_store.connect()
    assert read(app) == []
    assert end(app) == START
    assert waiting(app) == 0


def test_pages_join_without_a_gap_also_inside_a_transaction(app: Connection) -> None:
    start, aggregate = end(app), uuid4()
    for _ in range(5):
        append(app, aggregate, 7)
    settle(app)
    whole = read(app, start, None)
    assert ids(whole) == stored(app, aggregate)
    assert [event.cursor for event in whole] == sorted({event.cursor for event in whole})
    paged: list[Event] = []
    while page := read(app, paged[-1].cursor if paged else start, 4):
        assert len(page) <= 4
        paged += page
    assert paged == whole
    assert end(app) == whole[-1].cursor


def test_a_transaction_that_commits_late_is_not_skipped(slow: Connection, app: Connection) -> None:
    start, early, late = end(app), uuid4(), uuid4()
    append(slow, late)
    append(app, early)
    assert read(app, start) == []
    assert waiting(app) == 1
    slow.commit()
    settle(app)
    assert [event.aggregate_id for event in read(app, start)] == [late, early]


def test_what_was_rolled_back_is_passed_over(slow: Connection, app: Connection) -> None:
    start, kept = end(app), uuid4()
    append(slow, uuid4())
    append(app, kept)
    slow.rollback()
    settle(app)
    assert [event.aggregate_id for event in read(app, start)] == [kept]


def test_savepoints_do_not_change_an_events_number(slow: Connection, app: Connection) -> None:
    start, kept, between = end(app), uuid4(), uuid4()
    with slow.transaction():
        append(slow, kept)
        with slow.transaction():
            append(slow, kept)
            append(app, between)
        with slow.transaction() as dropped:
            append(slow, kept)
            raise psycopg.Rollback(dropped)
        append(slow, kept)
        assert read(slow, start) == []
    settle(app)
    seen = read(app, start)
    assert [(event.aggregate_id, event.version) for event in seen] == [(kept, 1), (kept, 2), (kept, 3), (between, 1)]
    assert len({event.cursor.transaction_id for event in seen[:3]}) == 1


def test_a_prepared_transaction_is_waited_for(slow: Connection, app: Connection, admin: Connection) -> None:
    row = admin.execute("SELECT current_setting('max_prepared_transactions')::integer").fetchone()
    start, prepared, later = end(app), uuid4(), uuid4()
    name = f"feed {prepared}"
    append(slow, prepared)
    if row == (0,):  # there can be none on this server
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="prepared transactions are disabled"):
            slow.execute(f"PREPARE TRANSACTION '{name}'")
        return
    slow.execute(f"PREPARE TRANSACTION '{name}'")
    slow.close()
    append(app, later)
    assert read(app, start) == []
    blockers = admin.execute("SELECT pid, prepared, seconds >= 0 FROM event_store.feed_blockers()").fetchall()
    assert (None, name, True) in blockers
    admin.execute(f"COMMIT PREPARED '{name}'")
    settle(app)
    assert [event.aggregate_id for event in read(app, start)] == [prepared, later]


def test_versions_stay_in_order_when_an_older_transaction_appends_last(slow: Connection, app: Connection) -> None:
    start, aggregate = end(app), uuid4()
    append(slow, uuid4())
    append(app, aggregate)
    append(slow, aggregate)
    slow.commit()
    append(app, aggregate)
    settle(app)
    assert [event.version for event in read(app, start) if event.aggregate_id == aggregate] == [1, 2, 3]


def test_one_snapshot_has_one_feed(store: Store, app: Connection) -> None:
    start = end(app)
    append(app, uuid4())
    settle(app)
    reader = store.connect(autocommit=False)
    reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    before = read(reader, start)
    append(app, uuid4())
    settle(app)
    assert read(reader, start) == before
    reader.commit()
    assert len(read(reader, start)) == len(before) + 1


def test_a_page_has_the_snapshot_of_its_horizon_or_a_later_one(admin: Connection) -> None:
    """`feed_horizon` has that of the statement; whoever calls `next_horizon` takes a later one for the page."""
    rows = admin.execute(
        """SELECT proname, provolatile, prosrc ~ 'next_horizon\\(' FROM pg_proc
            WHERE pronamespace IN ('event_store'::regnamespace, 'public'::regnamespace)
              AND (prosrc ~ '(next|feed)_horizon\\(' OR proname IN ('feed_horizon', 'check_cluster'))"""
    ).fetchall()
    volatility = {name: kind for name, kind, _ in rows}
    assert {volatility[name] for name, _, looks in rows if looks} == {"v"}
    assert {name for name, _, looks in rows if looks} > {"scan_feed", "feed_end", "feed_lag", "seal_events"}
    assert {name for name, kind in volatility.items() if kind == "s"} == {"read_feed", "feed_horizon", "check_cluster"}


def test_filters(app: Connection) -> None:
    start, thing, other = end(app), uuid4(), uuid4()
    append(app, thing, event_type="Opened")
    append(app, other, event_type="Opened", category="Other")
    append(app, thing, event_type="Closed")
    settle(app)
    opened = read(app, start, event_types=["Opened", "Reopened"])
    assert [(event.aggregate_id, event.event_type) for event in opened] == [
        (thing, "Opened"),
        (other, "Opened"),
        (None, None),
    ]
    assert opened[-1].cursor == end(app)
    assert [event.event_type for event in read(app, start, aggregate_types=["Thing"])] == ["Opened", "Closed"]
    both = read(app, start, event_types=["Opened"], aggregate_types=["Other"])
    assert [event.aggregate_id for event in both] == [other, None]
    assert [event.event_type for event in read(app, start, 1, ["Opened"])] == ["Opened"]
    assert read(app, end(app), event_types=["Opened"]) == []


def test_a_filter_that_fits_nothing_goes_on_step_by_step(empty_store: Store) -> None:
    app, aggregate = empty_store.connect(), uuid4()
    for _ in range(5):
        append(app, aggregate, 5000)
    append(app, aggregate, event_type="Rare")
    settle(app)
    cursor, pages = START, []
    while page := read(app, cursor, 1000, ["Rare"]):
        pages.append([event.event_type for event in page])
        cursor = page[-1].cursor
    assert pages == [[None], [None], ["Rare"]]
    assert cursor == end(app)
    # As many as were asked for, if that is more.
    assert [event.event_type for event in read(app, START, 30_000, ["Rare"])] == ["Rare"]


def test_every_page_is_an_index_scan(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    for _ in range(20):
        append(app, uuid4(), 1000)
    settle(app)
    for analyzed in (False, True):
        if analyzed:
            admin.execute("ANALYZE event_store.events")
        # What the deploy derives for an SSD and for a hard disk, on a server that it did not make. For a hard disk the planner
        # sorts what it takes for a handful of events, until it has statistics.
        for mode, cost in itertools.product(
            ("force_generic_plan", "force_custom_plan"), (1.1, 4) if analyzed else (1.1,)
        ):
            session = empty_store.connect()
            session.execute(f"SET plan_cache_mode = {mode}")
            session.execute(f"SET random_page_cost = {cost}")
            session.execute("PREPARE page (xid8, bigint, integer) AS SELECT * FROM event_store.read_feed($1, $2, $3)")
            session.execute("PREPARE after (text, integer) AS SELECT * FROM event_store.read_feed_after($1, $2)")
            for cursor in (START, end(app)):
                text = (
                    "NULL"
                    if cursor == START
                    else f"event_store.cursor_at('{cursor.transaction_id}', {cursor.position})"
                )
                for call in (f"page ('{cursor.transaction_id}', {cursor.position}, 1000)", f"after ({text}, 1000)"):
                    plan = "\n".join(row[0] for row in session.execute(f"EXPLAIN EXECUTE {call}").fetchall())
                    assert "Index Scan using idx_events_feed on events" in plan, plan
                    assert "Sort" not in plan, plan
    with admin.transaction():
        read(admin, START, 1000, ["Rare"])
        row = admin.execute(
            "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'event_store.events'::regclass"
        ).fetchone()
    assert row == (0,)


def test_what_holds_the_feed_back_can_be_seen(
    store: Store, slow: Connection, app: Connection, admin: Connection
) -> None:
    row = app.execute("SELECT events_waiting, seconds_waiting FROM event_store.feed_lag()").fetchone()
    settle(app)
    append(slow, uuid4())
    number = slow.execute("SELECT pg_current_xact_id()::text").fetchone()
    append(app, uuid4(), 3)
    row = app.execute("SELECT events_waiting, seconds_waiting > 0 FROM event_store.feed_lag()").fetchone()
    assert row == (3, True)
    sessions = admin.execute(
        "SELECT transaction_id::text, database, application_name, state, seconds > 0 FROM event_store.feed_blockers() "
        "WHERE pid = %s",
        [slow.info.backend_pid],
    ).fetchall()
    assert number
    assert sessions == [(number[0], store.name, "slow import", "idle in transaction", True)]
    # The application may not see everything about other roles' sessions, but it sees which one it is.
    pids = app.execute("SELECT pid FROM event_store.feed_blockers()").fetchall()
    assert (slow.info.backend_pid,) in pids
    slow.rollback()
    settle(app)
    row = app.execute("SELECT events_waiting, seconds_waiting FROM event_store.feed_lag()").fetchone()
    assert row == (0, 0)


def test_the_worker_announces_what_is_new_once(empty_store: Store) -> None:
    app, listener, worker = (
        empty_store.connect(role) for role in ("stock_analysis_user",) * 2 + ("event_store_worker",)
    )
    listener.execute("LISTEN event_store")

    def work() -> object:
        row = worker.execute("SELECT event_store.work_feed()").fetchone()
        assert row
        return row[0]

    assert work() == 0
    append(app, uuid4(), 3)
    append(app, uuid4(), 2)
    settle(app)
    assert work() == 1
    assert work() == 0
    append(app, uuid4())
    settle(app)
    assert work() == 1
    payloads = [note.payload for note in listener.notifies(timeout=5, stop_after=2)]
    assert len(payloads) == 2
    transaction_id, position = payloads[-1].split(",")
    assert Cursor(int(transaction_id), int(position)) == end(app)
    # Looking costs no transaction id.
    with worker.transaction():
        work()
        row = worker.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()
    assert row == (None,)


@pytest.mark.parametrize("call", ["check_cluster()", "is_rebase_due()", "rebase_feed()", "work_feed()"])
def test_what_is_not_for_the_application(app: Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"SELECT event_store.{call}")


def test_readers_see_every_event_once_in_one_order_while_writers_append(empty_store: Store) -> None:
    """Six writers with quick, slow, nested and rolled back transactions; three readers with pages of different sizes."""
    writing = threading.Event()
    shared = sorted(uuid4() for _ in range(4))

    def over() -> bool:
        return writing.is_set()

    def write(session: Connection, seed: int) -> list[UUID | None]:
        choose = random.Random(seed)  # noqa: S311
        committed: list[UUID | None] = []
        for number in range(30):
            own = uuid4()
            session.execute("BEGIN")
            append(session, own, choose.randint(1, 4))
            if choose.random() < 0.3:
                session.execute("SAVEPOINT nested")
                append(session, own)
                session.execute("ROLLBACK TO nested" if choose.random() < 0.5 else "RELEASE nested")
            if choose.random() < 0.3:
                time.sleep(choose.random() * 0.1)
            if choose.random() < 0.6:
                # In one order, or two of them could wait for each other.
                for aggregate in sorted(choose.sample(shared, 2)):
                    append(session, aggregate, choose.randint(1, 2))
            if choose.random() < 0.2:
                session.execute("ROLLBACK")
                continue
            appended = stored(session, own)
            session.execute("COMMIT")
            committed += appended
            if number % 10 == 0:
                append(session, own, 20)
        return committed

    writers = [empty_store.connect() for _ in range(6)]
    readers = [empty_store.connect() for _ in range(3)]
    with ThreadPoolExecutor(9) as pool:
        reading = [
            pool.submit(tail, session, START, size, over) for session, size in zip(readers, (1, 7, 1000), strict=True)
        ]
        done = [pool.submit(write, session, seed) for seed, session in enumerate(writers)]
        acknowledged = {event_id for future in done for event_id in future.result()}
        writing.set()
        first, *others = [future.result() for future in reading]

    everything = {row[0] for row in readers[0].execute("SELECT event_id FROM event_store.events").fetchall()}
    assert len(acknowledged) > 100
    assert acknowledged <= everything
    assert len(first) == len(everything)
    assert set(ids(first)) == everything
    assert others == [first, first]
    for aggregate in {event.aggregate_id for event in first}:
        versions = [event.version for event in first if event.aggregate_id == aggregate]
        assert versions == list(range(1, len(versions) + 1))
