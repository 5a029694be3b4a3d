"""A dump of the store goes on in another cluster, whose transaction ids lie below the stored numbers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event as Flag
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.model.event_stores import WORKER_ROLE

from .feed import START, Connection, Cursor, Event, append, end, read, settle, tail
from .stores import Server, Store, new_name
from .test_subscriptions import Claim, acknowledge, claimed, create, lag, value
from .test_subscriptions import read as read_partition

pytestmark = pytest.mark.releases

#: Further than any server of the tests has counted.
FUTURE = 1_000_000_000_000
#: Runs where the server is, as its own user: with the programs of its own version, which the tests' machine may not have.
MOVE = """
    dump=$(mktemp) && trap 'rm -f "$dump"' EXIT &&
    "{programs}/pg_dump" --host="{socket}" --port={port} --format=custom --file="$dump" "{source}" &&
    "{programs}/pg_restore" --host="{socket}" --port={port} --exit-on-error --dbname="{target}" "$dump"
"""

#: What orders by numbers in the feed.
CALLS = (
    "append_event('Thing', gen_random_uuid(), 0, 'Happened', '{}')",
    'append_events(\'Thing\', gen_random_uuid(), 0, \'[{"event_type": "Happened", "event_data": {}}]\')',
    "read_feed()",
    "read_feed(event_types => '{Happened}')",
    "feed_end()",
    "feed_lag()",
    "claim_partition('half', 'me')",
    "read_partition('half', 0)",
    "reset_subscription('half')",
    "subscription_lag('half')",
    "create_subscription('new', from_beginning => false)",
)


def move(server: Server, source: Store) -> Store:
    """A new database with what ``pg_dump`` took from another one."""
    target = server.create(new_name())
    with server.connect() as connection:
        names = {
            "programs": value(connection, "SELECT setting FROM pg_config() WHERE name = 'BINDIR'"),
            "socket": value(connection, "SELECT split_part(current_setting('unix_socket_directories'), ',', 1)"),
            "port": value(connection, "SHOW port"),
        }
        script = MOVE.format(**names, source=source.name, target=target.name)
        connection.execute("CREATE TEMPORARY TABLE output (line text)")
        program = psycopg.sql.Literal(f"{{ {script} }} 2>&1; echo $?")
        connection.execute(psycopg.sql.SQL("COPY output FROM PROGRAM {} (DELIMITER E'\\x01')").format(program))
        lines = [row[0] for row in connection.execute("SELECT line FROM output").fetchall()]
    assert lines == ["0"]
    return target


def rebase(store: Store) -> bool:
    return bool(value(store.connect("postgres"), "SELECT event_store.rebase_feed()"))


def is_due(store: Store) -> bool:
    """What the deploy asks."""
    return bool(value(store.connect("postgres"), "SELECT event_store.is_rebase_due()"))


def set_settings(store: Store, change: str) -> None:
    store.connect("postgres").execute(f"UPDATE event_store.settings SET {change}")


def refused(connection: Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error) as info:
        connection.execute(statement)
    assert info.value.sqlstate == "SE012"
    assert "rebase_feed()" in str(info.value.diag.message_hint)
    assert "cluster" in str(info.value.diag.message_detail)


@dataclass(frozen=True)
class Restored:
    """A store in its new cluster, and what its consumers knew in the old one."""

    store: Store
    events: list[Event]
    halfway: Cursor
    held: Claim


@pytest.fixture
def restored(server: Server, empty_store: Store) -> Iterator[Restored]:
    """Events, a subscription that is half-way through them, and a cluster that is not the one they were written in."""
    set_settings(empty_store, f"feed_offset = {FUTURE}")
    app, aggregates = empty_store.connect(), [uuid4() for _ in range(4)]
    create(app, "half", 2)
    for number in range(40):
        append(app, aggregates[number % 4], 3)
    settle(app)
    events = read(app)
    assert len(events) == 120
    assert events[0].cursor.transaction_id > FUTURE
    held = claimed(app, "half")
    acknowledge(app, "half", held, events[59].cursor)
    set_settings(empty_store, "feed_offset = 0, cluster_identifier = cluster_identifier + 1")

    store = move(server, empty_store)
    yield Restored(store, events, events[59].cursor, held)
    store.close()
    server.drop(store.name)


def test_nothing_goes_on_before_the_feed_is_rebased(restored: Restored) -> None:
    app, held, here = restored.store.connect(), restored.held, restored.halfway
    acknowledgement = f"acknowledge('half', {held.partition}, {held.token}, '{here.transaction_id}', {here.position})"
    calls = (acknowledgement, *CALLS)
    assert is_due(restored.store)
    for call in calls * 2:
        refused(app, f"SELECT event_store.{call}")
    refused(restored.store.connect(WORKER_ROLE), "SELECT event_store.work_feed()")
    assert rebase(restored.store)
    assert not is_due(restored.store)
    # In the same session, which has kept nothing that it would have to forget.
    for call in calls:
        app.execute(f"SELECT event_store.{call}")


def test_a_restored_store_goes_on_where_it_was(restored: Restored) -> None:
    store, done = restored.store, Flag()
    app, reader, latecomer = store.connect(), store.connect(), store.connect()
    assert rebase(store)
    assert not rebase(store)
    assert read(app) == restored.events

    aggregates: list[UUID] = sorted({event.aggregate_id for event in restored.events if event.aggregate_id})
    with ThreadPoolExecutor(2) as pool:
        whole = pool.submit(tail, reader, START, 7, done.is_set)
        rest = pool.submit(tail, latecomer, restored.halfway, 50, done.is_set)
        for number in range(20):
            append(app, aggregates[number % 4], 2)
        done.set()
        seen = whole.result()
        assert rest.result() == seen[60:]
    assert seen[:120] == restored.events
    assert len(seen) == 160
    assert [event.cursor for event in seen] == sorted({event.cursor for event in seen})
    for aggregate in aggregates:
        versions = [event.version for event in seen if event.aggregate_id == aggregate]
        assert versions == list(range(1, 41))

    # The consumer goes on as well, with its lease; the other partition starts at the beginning, as it would have.
    behind = lag(app, "half")
    mine = {e for e in seen[60:] if e.aggregate_id and partition(app, e.aggregate_id) == restored.held.partition}
    others = {e for e in seen if e.aggregate_id and partition(app, e.aggregate_id) != restored.held.partition}
    assert behind[None] == (len(mine) + len(others), True)
    got = read_partition(app, "half", restored.held.partition, 1000, restored.held.token)
    assert {event for event in got if event.event_id} == mine
    acknowledge(app, "half", restored.held, end(app))
    got = read_partition(app, "half", claimed(app, "half").partition)
    assert {event for event in got if event.event_id} == others


def partition(connection: Connection, aggregate: UUID) -> int:
    return int(value(connection, "SELECT event_store.partition_of('Thing', %s, 2)", aggregate))


def test_a_physical_copy_has_the_same_identifier_and_is_found_as_well(empty_store: Store) -> None:
    set_settings(empty_store, f"feed_offset = {FUTURE}")
    append(empty_store.connect(), uuid4())
    set_settings(empty_store, "feed_offset = 0")
    app = empty_store.connect()
    assert is_due(empty_store)
    refused(app, "SELECT event_store.read_feed()")
    assert rebase(empty_store)
    assert len(read(app)) == 1


def test_a_copy_in_the_same_cluster_needs_nothing(server: Server, empty_store: Store) -> None:
    append(empty_store.connect(), uuid4(), 3)
    settle(empty_store.connect())
    copy = move(server, empty_store)
    try:
        assert not is_due(copy)
        assert not rebase(copy)
        assert read(copy.connect()) == read(empty_store.connect())
    finally:
        copy.close()
        server.drop(copy.name)


def test_a_cluster_that_has_counted_further_begins_a_history_all_the_same(empty_store: Store) -> None:
    """As pg_upgrade leaves it: another identifier, and ids that go on."""
    app = empty_store.connect()
    append(app, uuid4())
    settle(app)
    (before,) = read(app)
    set_settings(empty_store, "cluster_identifier = cluster_identifier + 1, feed_offset = 5")
    assert rebase(empty_store)
    append(app, uuid4())
    settle(app)
    (after,) = read(app, before.cursor)
    assert value(
        app, "SELECT (reason, first_position) = ('cluster', %s) FROM event_store.current_fork()", after.cursor.position
    )


def test_new_numbers_lie_above_checkpoints_whose_events_are_gone(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    create(app, "ahead")
    admin.execute("UPDATE event_store.subscription_partitions SET transaction_id = %s::text::xid8", [FUTURE])
    set_settings(empty_store, "cluster_identifier = cluster_identifier + 1")
    assert rebase(empty_store)
    append(app, uuid4())
    settle(app)
    assert len(read_partition(app, "ahead", 0)) == 1


def test_a_transaction_that_ran_already_appends_above_the_stored_numbers(restored: Restored) -> None:
    early = restored.store.connect(autocommit=False)
    early.execute("SELECT pg_current_xact_id()")
    assert rebase(restored.store)
    append(early, uuid4())
    early.commit()
    app = restored.store.connect()
    settle(app)
    assert len(read(app, restored.events[-1].cursor)) == 1
