"""Named subscriptions: checkpoints that only go forward, partitions, leases and tokens, and consumers that die."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from .feed import COLUMNS, PATIENCE, START, Connection, Cursor, Event, append, end, events, settle, wait_until
from .stores import Store

UNTIL = "SELECT leased_until FROM event_store.subscription_partitions WHERE subscription_name = %s"


class Claim(NamedTuple):
    """A partition that a consumer holds."""

    partition: int
    cursor: Cursor
    token: int


@pytest.fixture
def name(app: Connection) -> Iterator[str]:
    """The name of a subscription of this test's own."""
    name = f"subscription-{uuid4()}"
    yield name
    app.execute("SELECT event_store.drop_subscription(%s)", [name])


@pytest.fixture
def other(store: Store) -> Connection:
    """A second session of the application."""
    return store.connect()


def value(connection: Connection, statement: str, *parameters: Any) -> Any:
    row = connection.execute(statement, parameters).fetchone()
    assert row
    return row[0]


def create(connection: Connection, name: str, partitions: int = 1, **options: Any) -> Any:
    named = "".join(f", {option} => %s" for option in options)
    return value(
        connection, f"SELECT event_store.create_subscription(%s, %s{named})", name, partitions, *options.values()
    )


def claim(connection: Connection, name: str, consumer: str = "somebody", lease: str = "1 hour") -> Claim | None:
    row = connection.execute(
        "SELECT partition, transaction_id::text::bigint, global_position, token "
        "FROM event_store.claim_partition(%s, %s, %s)",
        [name, consumer, lease],
    ).fetchone()
    return Claim(row[0], Cursor(row[1], row[2]), row[3]) if row else None


def claimed(connection: Connection, name: str, consumer: str = "somebody", lease: str = "1 hour") -> Claim:
    held = claim(connection, name, consumer, lease)
    assert held
    return held


def read(
    connection: Connection, name: str, partition: int, max_count: int = 1000, token: int | None = None
) -> list[Event]:
    return events(
        connection.execute(
            f"SELECT {COLUMNS} FROM event_store.read_partition(%s, %s, %s, %s)", [name, partition, max_count, token]
        ).fetchall()
    )


def acknowledge(
    connection: Connection, name: str, held: Claim, cursor: Cursor, after: Cursor | tuple[None, None] = (None, None)
) -> None:
    connection.execute(
        "SELECT event_store.acknowledge(%s, %s, %s, %s::text::xid8, %s, %s::text::xid8, %s)",
        [name, held.partition, held.token, *cursor, *after],
    )


def release(connection: Connection, name: str, held: Claim) -> Any:
    return value(connection, "SELECT event_store.release_partition(%s, %s, %s)", name, held.partition, held.token)


def lag(connection: Connection, name: str) -> dict[int | None, tuple[int, bool]]:
    """Events behind and whether the number is exact, for each partition, and for all of them under None."""
    rows = connection.execute(
        "SELECT partition, events_behind, exact FROM event_store.subscription_lag(%s)", [name]
    ).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def refused(connection: Connection, sqlstate: str, statement: str, *parameters: Any) -> psycopg.Error:
    """The error of a statement that is refused with this SQLSTATE."""
    with pytest.raises(psycopg.Error) as info:
        connection.execute(statement, parameters)
    assert info.value.sqlstate == sqlstate
    assert info.value.diag.message_hint
    return info.value


def test_the_same_definition_again_is_fine(app: Connection, name: str) -> None:
    assert create(app, name, 3, event_types=["B", "A"]) is True
    assert create(app, name, 3, event_types=["A", "B", "A"]) is False
    assert create(app, name, 3, event_types=["A", "B"], from_beginning=False) is False


@pytest.mark.parametrize(
    ("partitions", "options"),
    [
        (2, {"event_types": ["A"]}),
        (3, {}),
        (3, {"event_types": ["B"]}),
        (3, {"event_types": ["A"], "aggregate_types": ["T"]}),
    ],
)
def test_another_definition_is_refused(app: Connection, name: str, partitions: int, options: dict[str, Any]) -> None:
    create(app, name, 3, event_types=["A"])
    named = "".join(f", {option} => %s" for option in options)
    statement = f"SELECT event_store.create_subscription(%s, %s{named})"
    error = refused(app, "SE011", statement, name, partitions, *options.values())
    assert "present: 3 partitions, event types {A}, aggregate types all" in str(error.diag.message_detail)


@pytest.mark.parametrize(
    "arguments",
    [
        "''",
        "NULL",
        "repeat('x', 256)",
        "'x', 0",
        "'x', 257",
        "'x', NULL",
        "'x', 1, '{}'",
        "'x', 1, '{a,NULL}'",
        "'x', 1, NULL, '{}'",
        "'x', 1, from_beginning => NULL",
    ],
)
def test_malformed_definitions(app: Connection, arguments: str) -> None:
    refused(app, "SE002", f"SELECT event_store.create_subscription({arguments})")


def test_two_that_create_it_at_once(store: Store, app: Connection, name: str) -> None:
    first = store.connect(autocommit=False)
    assert create(first, name, 2) is True
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(create, app, name, 2)
        first.commit()
        assert second.result() is False


def test_a_subscription_from_now_on(app: Connection, name: str) -> None:
    append(app, uuid4())
    settle(app)
    create(app, name, from_beginning=False)
    assert read(app, name, 0) == []
    append(app, aggregate := uuid4())
    settle(app)
    assert [event.aggregate_id for event in read(app, name, 0)] == [aggregate]


def test_a_consumer_reads_and_acknowledges(app: Connection, name: str) -> None:
    create(app, name, from_beginning=False)
    append(app, uuid4(), 5)
    settle(app)
    held = claimed(app, name)
    page = read(app, name, held.partition, 3, held.token)
    assert [event.version for event in page] == [1, 2, 3]
    assert read(app, name, held.partition, 3) == page
    acknowledge(app, name, held, page[-1].cursor)
    rest = read(app, name, held.partition)
    assert [event.version for event in rest] == [4, 5]
    acknowledge(app, name, held, page[-1].cursor)  # the same one again only prolongs the lease
    acknowledge(app, name, held, rest[-1].cursor)
    assert read(app, name, held.partition) == []
    assert release(app, name, held) is True
    assert release(app, name, held) is False
    assert claimed(app, name).cursor == rest[-1].cursor


def test_the_checkpoint_only_goes_forward(app: Connection, name: str) -> None:
    create(app, name, from_beginning=False)
    append(app, uuid4(), 2)
    settle(app)
    held = claimed(app, name)
    first, second = read(app, name, 0)
    acknowledge(app, name, held, second.cursor)
    call = "SELECT event_store.acknowledge(%s, %s, %s, %s::text::xid8, %s)"
    error = refused(app, "SE002", call, name, 0, held.token, *first.cursor)
    assert f"({first.cursor.transaction_id}, {first.cursor.position})" in str(error.diag.message_detail)
    horizon = value(app, "SELECT event_store.feed_horizon()::text::bigint")
    refused(app, "SE002", call, name, 0, held.token, horizon + 1_000_000, 1)
    refused(app, "SE002", call, name, 0, held.token, None, 1)
    assert read(app, name, 0) == []


def test_who_does_not_hold_the_partition_is_refused(app: Connection, other: Connection, name: str) -> None:
    create(app, name, from_beginning=False)
    append(app, uuid4())
    settle(app)
    call = "SELECT event_store.acknowledge(%s, %s, %s, %s::text::xid8, %s)"
    here = end(app)
    refused(app, "SE010", call, name, 0, 0, *here)  # claimed by nobody
    slow = claimed(app, name, "slow", "1 millisecond")
    fast = None
    while not fast:
        fast = claim(other, name, "fast")
    assert fast.token > slow.token
    error = refused(app, "SE010", call, name, 0, slow.token, *here)
    assert "held by fast" in str(error.diag.message_detail)
    refused(app, "SE010", "SELECT event_store.read_partition(%s, 0, 10, %s)", name, slow.token)
    assert release(app, name, slow) is False
    acknowledge(other, name, fast, here)
    release(other, name, fast)
    refused(other, "SE010", call, name, 0, fast.token, *here)
    refused(app, "SE010", call, name, 1, fast.token, *here)
    refused(app, "SE010", call, "unknown", 0, fast.token, *here)
    refused(app, "SE010", "SELECT event_store.claim_partition('unknown', 'me')")
    refused(app, "SE010", "SELECT event_store.read_partition('unknown', 0)")
    refused(app, "SE010", "SELECT event_store.reset_subscription('unknown')")


@pytest.mark.parametrize("arguments", ["''", "NULL", "'me', '0'", "'me', '-1 s'", "'me', '2 days'", "'me', NULL"])
def test_malformed_claims(app: Connection, name: str, arguments: str) -> None:
    create(app, name)
    refused(app, "SE002", f"SELECT event_store.claim_partition(%s, {arguments})", name)


def test_a_lease_that_ended_is_good_until_somebody_claims(app: Connection, name: str) -> None:
    create(app, name, from_beginning=False)
    append(app, uuid4())
    settle(app)
    held = claimed(app, name, lease="1 millisecond")
    wait_until(
        lambda: value(
            app,
            "SELECT leased_until < clock_timestamp() FROM event_store.subscription_partitions "
            "WHERE subscription_name = %s",
            name,
        )
    )
    acknowledge(app, name, held, end(app))
    assert read(app, name, 0) == []


def test_acknowledging_begins_the_lease_anew(app: Connection, name: str) -> None:
    create(app, name)
    held = claimed(app, name)
    before = value(app, UNTIL, name)
    acknowledge(app, name, held, held.cursor)
    assert value(app, UNTIL, name) > before


def test_claims_go_to_partitions_with_work_and_in_turn(app: Connection, name: str) -> None:
    append(app, uuid4())
    settle(app)
    create(app, name, 4)
    first = [claimed(app, name) for _ in range(4)]
    assert [held.partition for held in first] == [0, 1, 2, 3]
    assert claim(app, name) is None
    for held in (first[2], first[0], first[3], first[1]):
        if held.partition in {0, 3}:
            acknowledge(app, name, held, end(app))
        release(app, name, held)
    # 1 and 2 have something after their checkpoints; of each kind the one that was claimed longest ago.
    assert [claimed(app, name).partition for _ in range(4)] == [1, 2, 0, 3]


def test_a_claim_takes_one_partition_whatever_the_statistics_say(empty_store: Store) -> None:
    """By those of a single row the planner looks for a free partition again for each row that it considers."""
    app = empty_store.connect()
    create(app, "one")
    empty_store.connect("postgres").execute("ANALYZE event_store.subscription_partitions")
    create(app, "six", 6)
    calls = [app.execute("SELECT * FROM event_store.claim_partition('six', 'somebody')").fetchall() for _ in range(7)]
    assert [len(rows) for rows in calls] == [1, 1, 1, 1, 1, 1, 0]
    assert [row[0] for rows in calls for row in rows] == [0, 1, 2, 3, 4, 5]


def test_a_claim_waits_for_nobody(store: Store, app: Connection, name: str) -> None:
    create(app, name, 2)
    busy = store.connect(autocommit=False)
    assert claimed(busy, name).partition == 0
    app.execute("SET statement_timeout = '10s'")
    assert claimed(app, name).partition == 1
    assert claim(app, name) is None
    app.execute("RESET statement_timeout")
    busy.rollback()


def test_an_acknowledgement_in_the_consumers_transaction_is_all_or_nothing(
    store: Store, app: Connection, name: str
) -> None:
    create(app, name, from_beginning=False)
    app.execute("CREATE SCHEMA mine; CREATE TABLE mine.handled (event_id uuid PRIMARY KEY)")
    append(app, uuid4(), 2)
    settle(app)
    held = claimed(app, name, lease="1 millisecond")
    consumer = store.connect(autocommit=False)
    page = read(consumer, name, 0, 1000, held.token)

    def handle() -> None:
        for event in page:
            consumer.execute("INSERT INTO mine.handled VALUES (%s)", [event.event_id])
        acknowledge(consumer, name, held, page[-1].cursor)

    handle()
    assert claim(app, name) is None, "the lease is over, but its holder is about to commit"
    consumer.rollback()
    assert read(app, name, 0) == page
    handle()
    consumer.commit()
    assert value(app, "SELECT count(*) FROM mine.handled") == 2
    assert read(app, name, 0) == []

    # Somebody else has it before the acknowledgement: what was written for it is rolled back with it.
    append(app, uuid4())
    settle(app)
    page = read(consumer, name, 0)
    consumer.execute("INSERT INTO mine.handled VALUES (%s)", [page[0].event_id])
    wait_until(lambda: claim(app, name) is not None)
    with pytest.raises(psycopg.Error, match="lease of partition 0"):
        acknowledge(consumer, name, held, page[-1].cursor)
    consumer.rollback()
    assert value(app, "SELECT count(*) FROM mine.handled") == 2
    app.execute("DROP SCHEMA mine CASCADE")


@pytest.mark.parametrize("later", [2, 3], ids=["the same page again", "a longer page"])
def test_a_commit_under_way_does_not_let_the_same_token_handle_its_page_again(
    store: Store, app: Connection, name: str, later: int
) -> None:
    create(app, name, from_beginning=False)
    app.execute("CREATE SCHEMA mine; CREATE TABLE mine.handled (event_id uuid)")
    append(app, uuid4(), 3)
    settle(app)
    held = claimed(app, name)
    first, second = store.connect(autocommit=False), store.connect(autocommit=False)

    def handle(session: Connection, page: list[Event], after: Cursor) -> None:
        for event in page:
            session.execute("INSERT INTO mine.handled VALUES (%s)", [event.event_id])
        acknowledge(session, name, held, page[-1].cursor, after)

    # The consumer that has lost its connection reads again while the server has not committed yet.
    again = read(second, name, 0, later, held.token)
    page = read(first, name, 0, 2, held.token)
    handle(first, page, held.cursor)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(handle, second, again, held.cursor)
        wait_until(lambda: value(app, "SELECT pg_blocking_pids(%s)", second.info.backend_pid) != [])
        first.commit()
        with pytest.raises(psycopg.Error, match="is not where the page began") as info:
            waiting.result()
    second.rollback()
    assert info.value.sqlstate == "SE010"
    places = [f"({cursor.transaction_id}, {cursor.position})" for cursor in (held.cursor, page[-1].cursor)]
    assert info.value.diag.message_detail == f"page after {places[0]}, checkpoint {places[1]}"
    assert info.value.diag.message_hint

    # The lease is still good: from here it goes on.
    rest = read(second, name, 0, 2, held.token)
    handle(second, rest, page[-1].cursor)
    second.commit()
    assert value(app, "SELECT array_agg(event_id) FROM mine.handled") == [event.event_id for event in page + rest]
    app.execute("DROP SCHEMA mine CASCADE")


def test_where_the_page_began_is_both_numbers_or_neither(app: Connection, name: str) -> None:
    create(app, name, from_beginning=False)
    append(app, uuid4())
    settle(app)
    held = claimed(app, name)
    call = "SELECT event_store.acknowledge(%s, 0, %s, %s::text::xid8, %s, "
    here = end(app)
    refused(app, "SE002", f"{call} after_transaction_id => '0')", name, held.token, *here)
    refused(app, "SE002", f"{call} after_position => 0)", name, held.token, *here)
    acknowledge(app, name, held, here, held.cursor)
    # The checkpoint once more prolongs the lease, said with where it is or without.
    for after in (here, (None, None)):
        before = value(app, UNTIL, name)
        acknowledge(app, name, held, here, after)
        assert value(app, UNTIL, name) > before


def test_an_open_acknowledgement_holds_nobody_back(store: Store, app: Connection, name: str) -> None:
    start = end(app)
    create(app, name)
    held = claimed(app, name)
    consumer = store.connect(autocommit=False)
    acknowledge(consumer, name, held, held.cursor)
    append(app, uuid4())
    assert end(app) > start
    consumer.commit()


def test_partitions_share_the_events_by_aggregate(app: Connection, name: str) -> None:
    create(app, name, 4, from_beginning=False, aggregate_types=["Thing"])
    aggregates = [uuid4() for _ in range(40)]
    for aggregate in aggregates:
        append(app, aggregate, 2)
    append(app, uuid4(), category="Other")
    settle(app)
    partitions: dict[UUID, set[int]] = {aggregate: set() for aggregate in aggregates}
    versions: dict[UUID, list[int | None]] = {aggregate: [] for aggregate in aggregates}
    for partition in range(4):
        page = read(app, name, partition)
        assert page[-1].event_id is None
        assert page[-1].cursor == end(app)
        for event in page[:-1]:
            assert event.aggregate_id
            partitions[event.aggregate_id].add(partition)
            versions[event.aggregate_id].append(event.version)
    assert all(seen == [1, 2] for seen in versions.values())
    expected = {a: {value(app, "SELECT event_store.partition_of('Thing', %s, 4)", a)} for a in aggregates}
    assert partitions == expected
    assert {number for numbers in partitions.values() for number in numbers} == {0, 1, 2, 3}


def test_the_partition_of_an_aggregate_is_the_same_everywhere(app: Connection) -> None:
    """On every version of PostgreSQL and every platform; else a checkpoint would stand for other aggregates."""
    aggregate = UUID("6f1c2a4e-0000-4000-8000-000000000001")
    found = [
        value(app, "SELECT event_store.partition_of(%s, %s, 256)", name, aggregate) for name in ("Position", "Order")
    ]
    assert found == [151, 7]


def test_reset(app: Connection, name: str) -> None:
    start = end(app)
    create(app, name, 2, from_beginning=False)
    aggregate = uuid4()
    append(app, aggregate, 3)
    settle(app)
    held = claimed(app, name)
    acknowledge(app, name, held, end(app))
    app.execute("SELECT event_store.reset_subscription(%s, %s::text::xid8, %s)", [name, *start])
    refused(
        app,
        "SE010",
        "SELECT event_store.acknowledge(%s, %s, %s, %s::text::xid8, %s)",
        name,
        held.partition,
        held.token,
        *end(app),
    )
    again = [event for partition in range(2) for event in read(app, name, partition) if event.event_id]
    assert [event.aggregate_id for event in again] == [aggregate] * 3
    refused(app, "SE002", "SELECT event_store.reset_subscription(%s, '9000000000000000000'::xid8)", name)
    app.execute("SELECT event_store.reset_subscription(%s)", [name])
    assert claimed(app, name).cursor == START


def test_drop(app: Connection, name: str) -> None:
    create(app, name)
    drop = "SELECT event_store.drop_subscription(%s)"
    assert value(app, drop, name) is True
    assert value(app, drop, name) is False
    assert create(app, name, 7) is True


def test_a_token_of_a_dropped_subscription_is_worth_nothing_in_the_next_one(
    app: Connection, other: Connection, name: str
) -> None:
    append(app, uuid4())
    settle(app)
    tokens: set[int] = set()
    here = end(app)
    for consumer in ("first", "second", "third"):
        create(app, name)
        held = claimed(app, name, consumer)
        for old in tokens:
            late = held._replace(token=old)
            with pytest.raises(psycopg.Error, match="lease of partition 0") as info:
                acknowledge(other, name, late, here)
            assert info.value.sqlstate == "SE010"
            refused(other, "SE010", "SELECT event_store.read_partition(%s, 0, 10, %s)", name, old)
            assert release(other, name, late) is False
        tokens.add(held.token)
        app.execute("SELECT event_store.drop_subscription(%s)", [name])
    assert len(tokens) == 3
    create(app, name)
    app.execute("SELECT event_store.reset_subscription(%s)", [name])
    assert claimed(app, name).token > max(tokens)


def test_only_the_functions_hand_out_tokens(app: Connection) -> None:
    for call in ("nextval('event_store.subscription_tokens')", "setval('event_store.subscription_tokens', 1)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(f"SELECT {call}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("SELECT last_value FROM event_store.subscription_tokens")


def test_lag_is_a_number(app: Connection, name: str) -> None:
    create(app, name, 2, from_beginning=False, event_types=["Opened"])
    assert lag(app, name) == {0: (0, True), 1: (0, True), None: (0, True)}
    aggregates = [uuid4() for _ in range(20)]
    for aggregate in aggregates:
        append(app, aggregate, 2, "Opened")
        append(app, aggregate, 1, "Closed")
    settle(app)
    share = [value(app, "SELECT event_store.partition_of('Thing', %s, 2)", aggregate) for aggregate in aggregates]
    assert lag(app, name) == {0: (2 * share.count(0), True), 1: (2 * share.count(1), True), None: (40, True)}
    call = "SELECT seconds_behind FROM event_store.subscription_lag(%s) WHERE partition IS NULL"
    assert value(app, call, name) > 0
    for _ in range(2):
        held = claimed(app, name)
        while page := read(app, name, held.partition, 7):
            acknowledge(app, name, held, page[-1].cursor)
    assert lag(app, name) == {0: (0, True), 1: (0, True), None: (0, True)}
    assert value(app, call, name) == 0
    assert lag(app, "unknown") == {}


def test_a_long_lag_is_estimated(empty_store: Store) -> None:
    app = empty_store.connect()
    create(app, "long", 256)
    aggregates = [uuid4() for _ in range(16)]
    for aggregate in aggregates:
        append(app, aggregate, 2000)
    settle(app)
    numbers = lag(app, "long")
    assert len(numbers) == 257
    # 100,000 / 256 events are looked at for each: those of one aggregate, so all else is expected to be like them.
    assert numbers[None][1] is False
    assert max(behind for behind, _ in numbers.values()) == 32_000


def test_only_the_functions_write(app: Connection) -> None:
    for table in ("subscriptions", "subscription_partitions"):
        app.execute(f"SELECT * FROM event_store.{table}")
        for statement in (f"DELETE FROM event_store.{table}", f"UPDATE event_store.{table} SET subscription_name = ''"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def test_competing_consumers_lose_nothing_and_keep_the_order(empty_store: Store) -> None:
    """Some consumers die in the middle of a page, others are late and come back after their lease."""
    app, choose = empty_store.connect(), random.Random(4)  # noqa: S311
    create(app, "workers", 5)
    aggregates = [uuid4() for _ in range(25)]
    total = 0
    for _ in range(120):
        append(app, choose.choice(aggregates), count := choose.randint(1, 4))
        total += count
    log: list[tuple[UUID, int]] = []
    acknowledged: dict[int, list[tuple[int, Cursor]]] = {partition: [] for partition in range(5)}
    guard, stop = threading.Lock(), threading.Event()

    def consume(number: int, session: Connection) -> None:
        moods = random.Random(number)  # noqa: S311
        deadline = time.monotonic() + PATIENCE
        while not stop.is_set() and time.monotonic() < deadline:
            held = claim(session, "workers", f"consumer {number}", "250 milliseconds")
            if held is None:
                time.sleep(0.005)
                continue
            work(session, held, moods)

    def work(session: Connection, held: Claim, moods: random.Random) -> None:
        try:
            while page := read(session, "workers", held.partition, 5, held.token):
                for event in page:
                    if moods.random() < 0.02:
                        return  # dies, and its lease has to run out
                    if event.aggregate_id and event.version:
                        with guard:
                            log.append((event.aggregate_id, event.version))
                if moods.random() < 0.05:
                    time.sleep(0.3)  # is late
                # Without a lock around it: it is the server that has to put competitors into an order.
                acknowledge(session, "workers", held, page[-1].cursor)
                with guard:
                    acknowledged[held.partition].append((held.token, page[-1].cursor))
            time.sleep(0.01)
            release(session, "workers", held)
        except psycopg.Error as error:
            if error.sqlstate != "SE010":
                raise

    sessions = [empty_store.connect() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(consume, *pair) for pair in enumerate(sessions)]
        settle(app)
        wait_until(lambda: all(future.done() for future in done) or lag(app, "workers")[None] == (0, True))
        stop.set()
        for future in done:
            future.result()

    assert len(set(log)) == total
    for pairs in acknowledged.values():
        # By the claims' order: nothing that one of them has acknowledged was acknowledged again, by it or by a later one.
        cursors = [cursor for _, cursor in sorted(pairs)]
        assert cursors == sorted(set(cursors))
    for aggregate in aggregates:
        seen = 0
        for version in (version for one, version in log if one == aggregate):
            # An event may come again, but none before the ones that belong in front of it.
            assert version <= seen + 1
            seen = max(seen, version)
