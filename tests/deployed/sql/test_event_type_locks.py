"""Event types change while others append: nobody who appends ends in a deadlock, and nothing is committed that the type forbids."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from .appends import Connection, append_event, append_events, at_once, call, refused, stored
from .feed import wait_until
from .stores import Store

LOOSE: dict[str, Any] = {"type": "object"}
STRICT = {"required": ["quantity"]}


@pytest.fixture
def types() -> list[str]:
    """Names of this test's own, the order of which is not that of their locks in all runs."""
    return [f"Type{uuid4().hex}" for _ in range(4)]


def register(connection: Connection, event_type: str, json_schema: Any = LOOSE, validation: str = "enforce") -> bool:
    (row,) = call(
        connection,
        "register_event_type",
        event_type=event_type,
        schema_version=1,
        json_schema=Jsonb(json_schema),
        validation=validation,
    )
    return bool(row["register_event_type"])


def append(connection: Connection, *event_types: str, to: UUID | None = None) -> None:
    """An event of each type in one call, with a payload that only the loose schema takes."""
    append_events(connection, to or uuid4(), [{"event_type": name, "event_data": {"a": 1}} for name in event_types])


def is_waiting_for(connection: Connection, waiting: Connection, holding: Connection) -> bool:
    row = connection.execute("SELECT pg_blocking_pids(%s)", [waiting.info.backend_pid]).fetchone()
    assert row is not None
    return holding.info.backend_pid in row[0]


@pytest.mark.parametrize("known", [False, True], ids=["new types", "known types"])
def test_types_are_registered_in_any_order_beside_appends_of_all_of_them(
    store: Store, app: Connection, types: list[str], known: bool
) -> None:
    """Each transaction registers all types, in an order of its own; each append has all types."""
    for name in types if known else []:
        register(app, name, LOOSE | {"title": "first"})

    def work(connection: Connection, number: int) -> int:
        for turn in range(6):
            if number < 5:
                append(connection, *types)
                continue
            with connection.transaction():
                for name in types[number % 4 :] + types[: number % 4]:
                    validation = "warn" if (turn + number) % 2 else "enforce"
                    register(connection, name, LOOSE | {"title": "first"}, validation=validation)
        return number

    assert at_once(store, 8, work) == list(range(8))


@pytest.mark.parametrize(
    "append_one",
    [lambda connection, name: append_event(connection, uuid4(), event_type=name), append],
    ids=["one event", "a list"],
)
def test_of_an_append_and_a_registration_that_wait_for_each_other_the_append_wins(
    store: Store, app: Connection, types: list[str], append_one: Callable[[Connection, str], Any]
) -> None:
    one, two, *_ = types
    with (
        ThreadPoolExecutor(2) as pool,
        store.connect(autocommit=False) as appending,
        store.connect(autocommit=False) as registering,
    ):
        append_one(appending, one)
        register(registering, two)
        waiting = pool.submit(append_one, appending, two)
        wait_until(lambda: is_waiting_for(app, appending, registering))
        with refused("40P01") as refusal:
            register(registering, one)
        registering.rollback()
        waiting.result()
        appending.commit()
        assert str(appending.info.backend_pid) in refusal.detail
        assert register(registering, two)
        assert register(registering, one)


def test_registering_what_is_registered_waits_for_nobody(store: Store, app: Connection, types: list[str]) -> None:
    for name in types:
        register(app, name)
    with store.connect(autocommit=False) as appending, store.connect(autocommit=False) as other:
        append(appending, *types)
        for connection in (app, other):
            connection.execute("SET lock_timeout = '1ms'")
            for name in types:
                assert not register(connection, name)
                call(connection, "set_event_type_validation", event_type=name, validation="enforce")


def test_appends_of_a_type_pass_a_registration_that_waits(store: Store, app: Connection, types: list[str]) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        store.connect(autocommit=False) as appending,
        store.connect() as registering,
        store.connect() as passing,
    ):
        append(appending, types[0])
        waiting = pool.submit(register, registering, types[0], STRICT)
        wait_until(lambda: is_waiting_for(app, registering, appending))
        passing.execute("SET statement_timeout = '5s'")
        for _ in range(5):
            append(passing, types[0])
        assert not waiting.done()
        appending.rollback()
        assert waiting.result()


def test_a_registration_that_waits_too_long_says_for_whom(store: Store, app: Connection, types: list[str]) -> None:
    with store.connect(autocommit=False) as appending:
        append(appending, types[0])
        app.execute("SET lock_timeout = '150ms'")
        with refused("55P03") as refusal:
            register(app, types[0])
        app.execute("RESET lock_timeout")
        assert str(appending.info.backend_pid) in refusal.detail


APPENDS = [
    lambda connection, name, to: append_event(connection, to, event_type=name, event_data=Jsonb({"a": 1})),
    lambda connection, name, to: append(connection, name, to=to),
    lambda connection, name, to: append(connection, name, f"{name}Too", to=to),
]


def enforce(connection: Connection, name: str) -> None:
    call(connection, "set_event_type_validation", event_type=name, validation="enforce")


def enforce_by_registering(connection: Connection, name: str) -> None:
    register(connection, name, STRICT)


@pytest.mark.parametrize("append_one", APPENDS, ids=["one event", "a list", "a list of two types"])
@pytest.mark.parametrize(
    ("before", "put_in_force"),
    [
        (None, enforce_by_registering),
        *((before, way) for before in ("off", "warn") for way in (enforce, enforce_by_registering)),
    ],
)
def test_what_an_open_append_has_appended_is_never_forbidden_before_it_is_committed(
    store: Store,
    types: list[str],
    append_one: Callable[[Connection, str, UUID], Any],
    before: str | None,
    put_in_force: Callable[[Connection, str], None],
) -> None:
    """A type that is enforced waits for appends that were not checked; whoever appends afterwards is checked."""
    name, aggregate = types[0], uuid4()
    with store.connect(autocommit=False) as appending, store.connect() as changing, store.connect() as app:
        if before:
            register(app, name, STRICT, validation=before)
        append_one(appending, name, aggregate)
        changing.execute("SET lock_timeout = '150ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            put_in_force(changing, name)
        append_one(app, name, uuid4())
        appending.commit()
        assert stored(app, aggregate)
        put_in_force(changing, name)
        with refused("SE007"):
            append_one(app, name, uuid4())


def test_a_schema_is_not_replaced_while_an_event_under_it_is_not_committed(
    store: Store, app: Connection, types: list[str]
) -> None:
    """Even if nothing is validated by it."""
    register(app, types[0], STRICT, validation="off")
    with store.connect(autocommit=False) as appending, store.connect() as changing:
        append(appending, types[0])
        changing.execute("SET lock_timeout = '150ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            register(changing, types[0], {}, validation="off")
        appending.commit()
        with refused("SE008"):
            register(changing, types[0], {}, validation="off")


@pytest.mark.parametrize("change", [register, enforce])
def test_a_registration_that_waits_does_not_hold_up_appends_of_the_types_before_it(
    store: Store, app: Connection, types: list[str], change: Callable[[Connection, str], Any]
) -> None:
    one, two, *_ = types
    register(app, two, LOOSE, validation="off")
    with (
        ThreadPoolExecutor(2) as pool,
        store.connect(autocommit=False) as appending,
        store.connect(autocommit=False) as registering,
        store.connect() as passing,
    ):
        append(appending, two)
        registering.execute("SET statement_timeout = '20s'")
        register(registering, one)
        waiting = pool.submit(change, registering, two)
        wait_until(lambda: is_waiting_for(app, registering, appending))
        begun = time.monotonic()
        passing.execute("SET statement_timeout = '20s'")
        held_up = pool.submit(append, passing, one)
        with refused("55P03") as refusal:
            waiting.result()
        registering.rollback()
        held_up.result()
        assert 1 < time.monotonic() - begun < 15
        assert str(appending.info.backend_pid) in refusal.detail
        assert "a transaction of its own" in refusal.hint


def test_a_registration_for_which_nobody_waits_is_patient(store: Store, app: Connection, types: list[str]) -> None:
    """Not even if its transaction holds other types, and another registration waits for its turn."""
    one, two, three, *_ = types
    with (
        ThreadPoolExecutor(2) as pool,
        store.connect(autocommit=False) as appending,
        store.connect(autocommit=False) as registering,
        store.connect() as next_one,
    ):
        append(appending, two)
        register(registering, one)
        waiting = pool.submit(register, registering, two)
        wait_until(lambda: is_waiting_for(app, registering, appending))
        behind = pool.submit(register, next_one, three)
        time.sleep(4)
        assert not waiting.done()
        appending.rollback()
        assert waiting.result()
        registering.commit()
        assert behind.result()
