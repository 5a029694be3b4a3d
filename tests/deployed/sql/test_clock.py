"""The clock of the server is set back by 90 minutes: whatever was written before carries times of the future."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.schema import status

from . import projecting
from .appends import Connection, append_event, append_events, call, counted, stored
from .feed import PATIENCE, settle
from .projecting import Numbers, register, state, value
from .stores import Store

STEP = timedelta(minutes=90)


def append_before_the_step(admin: Connection, aggregate: UUID) -> datetime:
    """The first event of a counter, from a time that is not yet again; returns that time."""
    append_event(admin, aggregate)
    # Nobody changes a stored event; a second one is stored as it would have been.
    row = admin.execute(
        """INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                                           created_at)
           SELECT gen_random_uuid(), aggregate_type, aggregate_id, 2, event_type, '{}', clock_timestamp() + %s
             FROM event_store.events WHERE aggregate_id = %s
           RETURNING created_at""",
        [STEP, aggregate],
    ).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def append_to_several(connection: Connection, aggregate: UUID) -> None:
    several = [
        {"aggregate_type": "Counter", "aggregate_id": str(one), "events": counted(1)} for one in (uuid4(), aggregate)
    ]
    call(connection, "append_to_aggregates", appends=several)


APPENDS: list[Callable[[Connection, UUID], Any]] = [
    append_event,
    lambda connection, aggregate: append_event(connection, aggregate, event_id=uuid4()),
    lambda connection, aggregate: append_event(connection, aggregate, command_id=uuid4()),
    lambda connection, aggregate: append_events(connection, aggregate, counted(1, 2, 3)),
    append_to_several,
]


@pytest.mark.parametrize(
    "append", APPENDS, ids=["one event", "its own id", "a command", "a list", "several aggregates"]
)
def test_within_an_aggregate_times_never_decrease(
    store: Store, admin: Connection, append: Callable[[Connection, UUID], Any]
) -> None:
    aggregate, other = uuid4(), uuid4()
    moment = append_before_the_step(admin, aggregate)
    with store.connect() as app:
        for _ in range(3):  # From the second append on, a session takes the shortest way.
            append(app, aggregate)
        with app.transaction():
            append_event(app, other)
            append(app, aggregate)
        times = [event["created_at"] for event in stored(app, aggregate)]
        assert times == sorted(times)
        assert max(times) == moment
        assert stored(app, other)[0]["created_at"] < moment
        (row,) = call(app, "get_version_at", aggregate_type="Counter", aggregate_id=aggregate, at_time=moment)
        assert row["get_version_at"] == len(times)


@pytest.mark.parametrize("moment", range(8))
def test_the_version_at_a_time_is_found_where_stored_times_go_back(admin: Connection, moment: int) -> None:
    """Stored by an earlier release: the last version that is not later than the moment counts."""
    minutes = [0, 2, 60, 61, 1, 3, 4, 5]
    aggregate, start = uuid4(), datetime.fromisoformat("2025-01-01T00:00:00+00:00")
    for version, minute in enumerate(minutes, start=1):
        admin.execute(
            """INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                                               created_at)
               VALUES (gen_random_uuid(), 'Counter', %s, %s, 'Counted', '{}', %s)""",
            [aggregate, version, start + timedelta(minutes=minute)],
        )
    at_time = start + timedelta(minutes=moment)
    last = max(version for version, minute in enumerate(minutes, start=1) if minute <= moment)
    (row,) = call(admin, "get_version_at", aggregate_type="Counter", aggregate_id=aggregate, at_time=at_time)
    assert row["get_version_at"] == last


def claim(connection: Connection, name: str, lease: str = "1 second") -> int | None:
    rows = call(connection, "claim_partition", subscription_name=name, consumer="test", lease=lease)
    return rows[0]["partition"] if rows else None


def is_work_waiting(connection: Connection, name: str) -> bool:
    (row,) = call(connection, "is_work_waiting", subscription_name=name)
    return bool(row["is_work_waiting"])


def subscription_of(admin: Connection, name: str) -> dict[str, Any]:
    """What `make status` says about it."""
    row = admin.execute(status.FOLLOWERS).fetchone()
    assert row is not None
    return next(one for one in row[0]["subscriptions"] if one["name"] == name)


def test_a_lease_ends_whatever_the_clock_does(app: Connection, admin: Connection) -> None:
    name = f"sub{uuid4()}"
    call(app, "create_subscription", subscription_name=name)
    append_event(app, uuid4())
    settle(app)
    claim(app, name, "30 seconds")
    assert not is_work_waiting(app, name)
    assert subscription_of(admin, name)["claimed"] == 1
    set_back = (
        "UPDATE event_store.subscription_partitions SET leased_until = leased_until + %s, claimed_at = claimed_at + %s"
    )
    admin.execute(f"{set_back} WHERE subscription_name = %s", [STEP, STEP, name])
    assert is_work_waiting(app, name)
    assert subscription_of(admin, name)["claimed"] == 0
    assert claim(app, name, "30 seconds") == 0
    # A small step robs nobody.
    second = timedelta(seconds=1)
    admin.execute(f"{set_back} WHERE subscription_name = %s", [second, second, name])
    assert claim(app, name) is None
    assert not is_work_waiting(app, name)
    assert subscription_of(admin, name)["claimed"] == 1


def test_of_free_partitions_the_one_that_has_waited_longest_goes_first(app: Connection, admin: Connection) -> None:
    name = f"sub{uuid4()}"
    call(app, "create_subscription", subscription_name=name, partitions=3)
    assert [claim(app, name) for _ in range(3)] == [0, 1, 2]
    admin.execute(
        """UPDATE event_store.subscription_partitions
              SET consumer = NULL, lease = NULL, leased_until = NULL,
                  claimed_at = claimed_at + CASE WHEN partition < 2 THEN interval '90 minutes' ELSE '0' END
            WHERE subscription_name = %s""",
        [name],
    )
    assert [claim(app, name) for _ in range(3)] == [0, 1, 2]


@pytest.fixture
def numbers(empty_store: Store) -> Numbers:
    projection = Numbers(empty_store, "numbers")
    register(projection.admin, projection)
    projecting.work(projection.admin)
    return projection


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE / 6
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("is_rebuild", [False, True], ids=["rows", "rebuild"])
def test_what_is_tried_again_is_tried_again_soon(numbers: Numbers, is_rebuild: bool) -> None:
    numbers.append(1)
    if is_rebuild:
        numbers.write("-(event.event_data ->> 'n')::integer")
        numbers.admin.execute("SELECT event_store.rebuild_projection('numbers')")
    table = "projection_rebuilds" if is_rebuild else "projections"
    numbers.admin.execute(
        f"UPDATE event_store.{table} SET status = 'failed', error_sqlstate = '53100', retry_at = clock_timestamp() + %s",
        [STEP],
    )
    settle(numbers.admin)

    def is_done() -> bool:
        numbers.admin.execute("SELECT event_store.work_projections()")
        return numbers.rows() == ([-1] if is_rebuild else [1000])

    until(is_done)


def test_the_projection_that_has_waited_longest_goes_first(numbers: Numbers, empty_store: Store) -> None:
    other = Numbers(empty_store, "other")
    register(numbers.admin, numbers, other)
    projecting.work(numbers.admin)
    numbers.append(1, sleep=0.2)
    other.append(1, sleep=0.2)
    settle(numbers.admin)
    numbers.admin.execute(
        "UPDATE event_store.projections SET updated_at = clock_timestamp() + %s WHERE projection_name = 'numbers'",
        [STEP],
    )
    numbers.admin.execute("SELECT event_store.work_projections()")
    assert (numbers.rows(), other.rows()) == ([1000], [])
    assert state(numbers.admin, "numbers")["updated_at"] < datetime.now().astimezone() + STEP / 2


@pytest.mark.parametrize(
    "change",
    [
        "refreshed_at = clock_timestamp() + interval '90 minutes'",
        "duration = '2 hours', refreshed_at = now() - interval '61 minutes'",
    ],
    ids=["set back", "set forward during a refresh"],
)
def test_the_view_does_not_stand_still(empty_store: Store, change: str) -> None:
    admin = empty_store.connect("postgres")
    position = uuid4()
    projecting.append(admin, "Position", position, ("PositionOpened", {"symbol": "IBM", "quantity": 1}))
    projecting.work(admin)
    admin.execute("SELECT event_store.work_views()")
    projecting.append(admin, "Position", position, ("PositionUpdated", {"quantity": 2}))
    projecting.work(admin)
    admin.execute(f"UPDATE event_store.view_refreshes SET {change}")
    assert value(admin, "SELECT event_store.work_views()") == 1
    assert value(admin, "SELECT quantity FROM projections.portfolio_positions") == 2
    assert value(admin, "SELECT duration >= '0' AND refreshed_at <= clock_timestamp() FROM event_store.view_refreshes")


def test_a_lag_is_never_negative(empty_store: Store) -> None:
    admin = empty_store.connect("postgres")
    call(admin, "create_subscription", subscription_name="all")
    with empty_store.connect("postgres", autocommit=False) as older:
        older.execute("SELECT event_store.append_event('Counter', gen_random_uuid(), 0, 'Early', '{}')")
        admin.execute(
            """INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data,
                                               created_at)
               VALUES (gen_random_uuid(), 'Counter', gen_random_uuid(), 1, 'Late', '{}', clock_timestamp() + %s)""",
            [STEP],
        )
        assert admin.execute("SELECT * FROM event_store.feed_lag()").fetchone() == (1, 0)
        older.rollback()
    settle(admin)
    lag = "SELECT events_behind, seconds_behind FROM event_store.subscription_lag('all') WHERE partition IS NULL"
    assert admin.execute(lag).fetchone() == (1, 0)
