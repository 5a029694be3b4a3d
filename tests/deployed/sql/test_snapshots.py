"""Snapshots: never ahead of the stream, replaced by newer schemas, and loaded together with the events after them."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from .stores import Store
from .test_reads import Connection, Row, append, read, versions

Aggregate = tuple[str, UUID]


@pytest.fixture
def aggregate(app: Connection) -> Aggregate:
    """An aggregate with ten events in five calls."""
    aggregate = ("Counter", uuid4())
    for _ in range(5):
        append(app, aggregate, 2)
    return aggregate


def save(connection: Connection, aggregate: Aggregate, version: int | None, state: Any, schema: int | None = 1) -> bool:
    """Whether the snapshot was kept."""
    parameters = [*aggregate, version, None if state is None else Jsonb(state), schema]
    (row,) = read(connection, "save_snapshot(%s, %s, %s, %s, %s) AS kept", *parameters)
    return bool(row["kept"])


def latest(connection: Connection, aggregate: Aggregate, schema: int | None = None) -> Any:
    """Version and state of the latest snapshot."""
    return version_and_state(read(connection, "get_latest_snapshot(%s, %s, %s)", *aggregate, schema))


def at(connection: Connection, aggregate: Aggregate, version: int, schema: int | None = None) -> Any:
    """Version and state of the latest snapshot at or before a version."""
    return version_and_state(read(connection, "get_snapshot_at(%s, %s, %s, %s)", *aggregate, version, schema))


def version_and_state(rows: list[Row]) -> Any:
    return [(row["aggregate_version"], row["snapshot_data"]) for row in rows]


def load(connection: Connection, aggregate: Aggregate, **options: Any) -> list[Row]:
    """The rows of ``load_aggregate``."""
    named = "".join(f", {name} => %s" for name in options)
    return read(connection, f"load_aggregate(%s, %s{named})", *aggregate, *options.values())


def test_the_latest_snapshot_and_the_one_at_a_version(app: Connection, aggregate: Aggregate) -> None:
    assert latest(app, aggregate) == []
    assert save(app, aggregate, 3, {"count": 3})
    assert save(app, aggregate, 8, {"count": 8})
    assert save(app, aggregate, 5, {"count": 5})
    assert latest(app, aggregate) == [(8, {"count": 8})]
    assert at(app, aggregate, 2) == []
    assert at(app, aggregate, 3) == [(3, {"count": 3})]
    assert at(app, aggregate, 7) == [(5, {"count": 5})]
    assert at(app, aggregate, 99) == [(8, {"count": 8})]
    assert latest(app, ("Other", aggregate[1])) == []


def test_a_snapshot_is_never_ahead_of_the_stream(app: Connection, aggregate: Aggregate) -> None:
    for name, version, actual in ((aggregate, 11, 10), (("Counter", uuid4()), 1, 0), (("Other", aggregate[1]), 1, 0)):
        with pytest.raises(psycopg.Error) as caught:
            save(app, name, version, {})
        assert caught.value.sqlstate == "SE009"
        assert caught.value.diag.message_detail == f"snapshot of version {version}, actual version {actual}"
        assert caught.value.diag.message_hint
    assert save(app, aggregate, 10, {})


def test_events_and_their_snapshot_fit_in_one_transaction(store: Store, app: Connection, aggregate: Aggregate) -> None:
    with store.connect(autocommit=False) as connection:
        append(connection, aggregate, 1)
        assert save(connection, aggregate, 11, {"count": 11})
        assert latest(app, aggregate) == []
        connection.rollback()
    assert latest(app, aggregate) == []


def test_the_same_snapshot_again_changes_nothing(app: Connection, aggregate: Aggregate) -> None:
    assert save(app, aggregate, 4, {"count": 4, "name": "a"})
    before = read(app, "get_latest_snapshot(%s, %s)", *aggregate)
    assert not save(app, aggregate, 4, {"name": "a", "count": 4})
    assert read(app, "get_latest_snapshot(%s, %s)", *aggregate) == before


def test_a_wrong_state_can_be_replaced(app: Connection, aggregate: Aggregate) -> None:
    assert save(app, aggregate, 4, {"count": 5})
    assert save(app, aggregate, 4, {"count": 4})
    assert latest(app, aggregate) == [(4, {"count": 4})]


def test_a_newer_schema_of_the_state_replaces_the_older_one_only(app: Connection, aggregate: Aggregate) -> None:
    assert save(app, aggregate, 4, {"count": 4}, schema=1)
    assert save(app, aggregate, 4, {"total": 4}, schema=2)
    assert not save(app, aggregate, 4, {"count": 4}, schema=1)
    assert latest(app, aggregate) == [(4, {"total": 4})]


def test_snapshots_of_one_schema(app: Connection, aggregate: Aggregate) -> None:
    save(app, aggregate, 4, {"count": 4}, schema=1)
    save(app, aggregate, 6, {"total": 6}, schema=2)
    assert latest(app, aggregate) == [(6, {"total": 6})]
    assert latest(app, aggregate, 1) == [(4, {"count": 4})]
    assert latest(app, aggregate, 3) == []
    assert at(app, aggregate, 9, 1) == [(4, {"count": 4})]
    assert at(app, aggregate, 5, 2) == []


@pytest.mark.parametrize(
    ("version", "state", "schema"), [(0, {}, 1), (None, {}, 1), (1, None, 1), (1, {}, 0), (1, {}, None)]
)
def test_a_malformed_snapshot_is_refused(
    app: Connection, aggregate: Aggregate, version: int | None, state: Any, schema: int | None
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        save(app, aggregate, version, state, schema)
    assert caught.value.sqlstate == "SE002"
    assert caught.value.diag.message_detail
    assert caught.value.diag.message_hint


@pytest.mark.parametrize("state", [[], "text", 0, True, {"a": {"b": [1, None]}}])
def test_a_state_is_any_json(app: Connection, aggregate: Aggregate, state: Any) -> None:
    assert save(app, aggregate, 1, state)
    assert latest(app, aggregate) == [(1, state)]


def test_without_a_snapshot_all_events_are_loaded(app: Connection, aggregate: Aggregate) -> None:
    assert load(app, aggregate) == read(app, "get_events(%s, %s)", *aggregate)
    assert load(app, ("Counter", uuid4())) == []


def test_the_latest_snapshot_is_loaded_with_the_events_after_it(app: Connection, aggregate: Aggregate) -> None:
    save(app, aggregate, 4, {"count": 4})
    save(app, aggregate, 8, {"count": 8}, schema=3)
    snapshot, *events = load(app, aggregate)
    (stored,) = read(app, "get_latest_snapshot(%s, %s)", *aggregate)
    assert {name: value for name, value in snapshot.items() if value is not None} == {
        "event_id": stored["snapshot_id"],
        "aggregate_type": "Counter",
        "aggregate_id": aggregate[1],
        "event_version": 8,
        "schema_version": 3,
        "event_data": {"count": 8},
        "created_at": stored["created_at"],
    }
    assert events == read(app, "get_events_since(%s, %s, 8)", *aggregate)


def test_a_snapshot_of_the_last_version_is_all_that_is_loaded(app: Connection, aggregate: Aggregate) -> None:
    save(app, aggregate, 10, {"count": 10})
    assert [(row["event_version"], row["event_type"]) for row in load(app, aggregate)] == [(10, None)]


def test_an_application_loads_snapshots_of_the_schema_that_it_knows(app: Connection, aggregate: Aggregate) -> None:
    save(app, aggregate, 4, {"count": 4}, schema=1)
    save(app, aggregate, 8, {"total": 8}, schema=2)
    assert versions(load(app, aggregate, snapshot_version=1)) == list(range(4, 11))
    assert versions(load(app, aggregate, snapshot_version=2)) == list(range(8, 11))
    assert versions(load(app, aggregate, snapshot_version=3)) == list(range(1, 11))


def test_the_state_as_of_a_version(app: Connection, aggregate: Aggregate) -> None:
    save(app, aggregate, 4, {"count": 4})
    assert versions(load(app, aggregate, at_version=3)) == [1, 2, 3]
    assert [(row["event_version"], row["event_type"]) for row in load(app, aggregate, at_version=4)] == [(4, None)]
    assert versions(load(app, aggregate, at_version=6)) == [4, 5, 6]
    assert versions(load(app, aggregate, at_version=99)) == list(range(4, 11))
    assert load(app, aggregate, at_version=0) == []


def test_the_state_as_of_a_time(app: Connection, aggregate: Aggregate) -> None:
    save(app, aggregate, 4, {"count": 4})
    # Two events with each time.
    times = {row["event_version"]: row["created_at"] for row in read(app, "get_events(%s, %s)", *aggregate)}
    moment = timedelta(microseconds=1)
    assert versions(load(app, aggregate, at_time=times[6])) == [4, 5, 6]
    assert versions(load(app, aggregate, at_time=times[5] - moment)) == [4]
    assert versions(load(app, aggregate, at_time=times[3] - moment)) == [1, 2]
    assert versions(load(app, aggregate, at_time=times[10] + moment)) == list(range(4, 11))
    assert load(app, aggregate, at_time=times[1] - moment) == []
    assert versions(load(app, aggregate, at_time=times[6], at_version=5)) == [4, 5]
    assert versions(load(app, aggregate, at_time=times[6], at_version=9)) == [4, 5, 6]


def leave(store: Store, aggregate: Aggregate, until: int) -> None:
    """The events up to a version leave the store, as if they had been retired. The store is left without its triggers."""
    superuser = store.connect("postgres")
    superuser.execute("ALTER TABLE event_store.events DISABLE TRIGGER ALL")
    which = [*aggregate, until]
    superuser.execute(
        "DELETE FROM event_store.events WHERE (aggregate_type, aggregate_id) = (%s, %s) AND event_version <= %s", which
    )
    if not read(superuser, "get_events(%s, %s)", *aggregate):
        superuser.execute("INSERT INTO event_store.retired_aggregates VALUES (%s, %s, %s)", which)


def test_a_state_that_needs_events_that_left_is_refused(empty_store: Store) -> None:
    app = empty_store.connect()
    aggregate = ("Counter", uuid4())
    for _ in range(5):
        append(app, aggregate, 2)
    times = {row["event_version"]: row["created_at"] for row in read(app, "get_events(%s, %s)", *aggregate)}
    save(app, aggregate, 6, {"count": 6}, schema=2)
    leave(empty_store, aggregate, 4)
    assert versions(load(app, aggregate)) == list(range(6, 11))
    assert versions(load(app, aggregate, at_version=7)) == [6, 7]
    assert versions(load(app, aggregate, at_time=times[8])) == [6, 7, 8]
    assert load(app, aggregate, at_version=0) == []
    options: dict[str, Any]
    for options in ({"snapshot_version": 1}, {"at_version": 5}, {"at_version": 3}, {"at_time": times[1]}):
        with pytest.raises(psycopg.Error) as caught:
            load(app, aggregate, **options)
        assert caught.value.sqlstate == "SE015"
        assert caught.value.diag.message_detail == "needed from version 1 on, stored from version 5 on"
        assert caught.value.diag.message_hint


def test_an_aggregate_whose_events_all_left(empty_store: Store) -> None:
    app = empty_store.connect()
    aggregate = ("Counter", uuid4())
    append(app, aggregate, 10)
    leave(empty_store, aggregate, 10)
    with pytest.raises(psycopg.Error) as caught:
        load(app, aggregate)
    assert caught.value.sqlstate == "SE015"
    with pytest.raises(psycopg.Error) as caught:
        save(app, aggregate, 11, {})
    assert caught.value.diag.message_detail == "snapshot of version 11, actual version 10"
    assert save(app, aggregate, 10, {"count": 10})
    assert versions(load(app, aggregate)) == [10]


def test_snapshot_and_events_belong_together_while_others_write(store: Store, app: Connection) -> None:
    aggregate = ("Counter", uuid4())
    append(app, aggregate, 1)
    writer = store.connect()
    over = threading.Event()

    def write() -> None:
        for version in range(2, 300):
            append(writer, aggregate, 1)
            save(writer, aggregate, version, {"count": version})
        over.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while not over.is_set() and thread.is_alive():
            rows = load(app, aggregate)
            # A snapshot older than the events would leave a gap, a newer one would repeat some.
            first = rows[0]["event_version"]
            assert versions(rows) == list(range(first, first + len(rows)))
            assert [row["event_type"] for row in rows[1:]] == ["Done"] * (len(rows) - 1)
            assert len(rows) <= 2
    finally:
        thread.join()
    assert over.is_set()


def test_two_that_save_the_same_snapshot_at_once(store: Store, app: Connection, aggregate: Aggregate) -> None:
    kept: list[bool] = []
    with store.connect(autocommit=False) as first:
        kept.append(save(first, aggregate, 10, {"count": 10}))
        second = store.connect()
        thread = threading.Thread(target=lambda: kept.append(save(second, aggregate, 10, {"count": 10})))
        thread.start()
        first.commit()
        thread.join()
    assert kept == [True, False]
    assert latest(app, aggregate) == [(10, {"count": 10})]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO event_store.snapshots (aggregate_type, aggregate_id, aggregate_version, snapshot_data)"
        " VALUES ('Counter', gen_random_uuid(), 1, '{}')",
        "UPDATE event_store.snapshots SET snapshot_data = '{}'",
        "DELETE FROM event_store.snapshots",
        "TRUNCATE event_store.snapshots",
    ],
)
def test_the_application_saves_by_the_function_only(app: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


def test_a_snapshot_spares_the_events_before_it(app: Connection) -> None:
    aggregate = ("Counter", uuid4())
    append(app, aggregate, 10_000)
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT json) SELECT * FROM event_store.load_aggregate(%s, %s)"

    def pages() -> int:
        row = app.execute(explain, aggregate).fetchone()
        assert row
        (explained,) = row[0]
        return int(explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"])

    # Plan first: what the planner reads to plan is not the cost of the read.
    pages()
    without = pages()
    save(app, aggregate, 9_990, {"count": 9_990})
    assert pages() * 4 < without
