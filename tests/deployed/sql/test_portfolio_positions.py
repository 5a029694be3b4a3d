"""projections.positions, and the materialized view over it."""

import json
import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from deploy.schema import catalogue
from examples.batches import batches
from examples.portfolio import AGGREGATE_TYPE, CLOSED, OPENED, UPDATED, expected_positions, generate

from .projecting import Connection, append, settle, state, value, work
from .stores import Server, Store, new_name

ROW = "SELECT symbol, quantity, average_price, current_value FROM projections.{} WHERE position_id = %s"


@pytest.mark.parametrize("relation", ["positions", "portfolio_positions"])
def test_each_attribute_has_the_latest_value_that_an_event_carries(app: Connection, relation: str) -> None:
    position = uuid4()
    append(
        app,
        AGGREGATE_TYPE,
        position,
        (OPENED, {"symbol": "IBM", "quantity": 10, "average_price": 12.5, "current_value": 125}),
        (UPDATED, {"current_value": 130}),
        (UPDATED, {"quantity": 7, "average_price": "many", "current_value": None, "symbol": None}),
        (CLOSED, {"quantity": 0, "symbol": "IBM.N"}),
        ("PositionRenamed", {"symbol": "nobody's"}),
    )
    append(app, "Posture", position, (UPDATED, {"symbol": "another type's"}))
    settle(app)
    app.execute("SELECT public.refresh_materialized_views()")
    assert app.execute(ROW.format(relation), [position]).fetchall() == [("IBM.N", 0, Decimal("12.5"), 130)]
    last = "SELECT max(created_at) FROM event_store.events WHERE aggregate_id = %s AND event_type = %s"
    updated = f"SELECT last_updated FROM projections.{relation} WHERE position_id = %s"
    assert value(app, updated, [position]) == value(app, last, [position, CLOSED])


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6), st.text("abc'\"\\ü", max_size=4),
    st.just([1]), st.just({"a": 1}),
)  # fmt: skip
PAYLOADS = st.dictionaries(
    st.sampled_from(["symbol", "quantity", "average_price", "current_value", "other"]), VALUES, max_size=5
)
EVENTS = st.lists(st.tuples(st.sampled_from([OPENED, UPDATED, CLOSED]), PAYLOADS), min_size=1, max_size=8)


def expected(events: list[tuple[str, dict[str, Any]]]) -> tuple[Any, ...]:
    """The row that follows from the events, worked out without a database."""
    symbol: str | None = None
    numbers: dict[str, Decimal | None] = {"quantity": None, "average_price": None, "current_value": None}
    for _, data in events:
        if "symbol" in data:
            carried = data["symbol"]
            symbol = carried if isinstance(carried, str) or carried is None else "not compared"
        for name in numbers:
            if isinstance(data.get(name), int | float) and not isinstance(data[name], bool):
                numbers[name] = Decimal(json.dumps(data[name]))
    return (symbol, *numbers.values())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(positions=st.lists(EVENTS, min_size=1, max_size=4), pieces=st.integers(1, 3))
def test_any_events_give_the_rows_of_an_independent_computation(
    admin: Connection, positions: list[list[tuple[str, dict[str, Any]]]], pieces: int
) -> None:
    ids = [uuid4() for _ in positions]
    for start in range(pieces):
        for position, events in zip(ids, positions, strict=True):
            if events[start::pieces]:
                step = -(-len(events) // pieces)
                part = events[start * step : (start + 1) * step]
                if part:
                    append(admin, AGGREGATE_TYPE, position, *part)
        work(admin)
    assert state(admin, "portfolio_positions")["status"] == "active"
    for position, events in zip(ids, positions, strict=True):
        row, wanted = admin.execute(ROW.format("positions"), [position]).fetchone(), expected(events)
        assert row is not None
        assert row[1:] == wanted[1:]
        assert row[0] == wanted[0] or wanted[0] == "not compared"


def test_a_made_up_portfolio_comes_out_as_expected(empty_store: Store) -> None:
    """Appended by several at once would be another test: here the rows, the view and a rebuild all have to agree."""
    admin = empty_store.connect("postgres")
    events = list(generate(7, 60))
    for batch in batches(events, 40):
        append(admin, AGGREGATE_TYPE, batch.aggregate_id, *((event.event_type, event.data) for event in batch.events))
    wanted = {
        position: (row.symbol, row.quantity, row.average_price, row.current_value)
        for position, row in expected_positions(events).items()
    }

    def rows(relation: str) -> dict[Any, Any]:
        query = f"SELECT position_id, symbol, quantity, average_price, current_value FROM projections.{relation}"
        return {row[0]: row[1:] for row in admin.execute(query).fetchall()}

    work(admin)
    assert rows("positions") == wanted
    assert value(admin, "SELECT event_store.work_views()") == 1
    assert rows("portfolio_positions") == wanted
    admin.execute("SELECT event_store.rebuild_projection('portfolio_positions')")
    work(admin)
    assert rows("positions") == wanted


def test_views_are_refreshed_when_their_tables_have_changed(empty_store: Store) -> None:
    admin = empty_store.connect("postgres")
    work(admin)
    assert value(admin, "SELECT event_store.work_views()") == 1
    assert value(admin, "SELECT event_store.work_views()") == 0
    append(admin, "Other", uuid4(), ("SomethingElse", {}))
    work(admin)
    assert value(admin, "SELECT event_store.work_views()") == 0
    append(admin, AGGREGATE_TYPE, uuid4(), (OPENED, {"symbol": "KO"}))
    work(admin)
    # Not too soon after the last one: twice as long as it took, and for a slow one longer, without a leap at a second.
    # 10 s is 20 s and 162 s.
    last = "UPDATE event_store.view_refreshes SET duration = %s, refreshed_at = clock_timestamp() - %s::interval"
    for duration, ago in (("1 hour", "0 s"), ("10 s", "100 s")):
        admin.execute(last, [duration, ago])
        assert value(admin, "SELECT event_store.work_views()") == 0
    admin.execute(last, ["10 s", "190 s"])
    assert value(admin, "SELECT event_store.work_views()") == 1
    assert admin.execute("SELECT symbol FROM projections.portfolio_positions").fetchall() == [("KO",)]


def test_a_view_that_another_session_refreshes_is_passed_over(empty_store: Store) -> None:
    admin, other = empty_store.connect("postgres"), empty_store.connect("postgres", autocommit=False)
    work(admin)
    admin.execute("SELECT event_store.work_views()")
    append(admin, AGGREGATE_TYPE, uuid4(), (OPENED, {"symbol": "KO"}))
    work(admin)
    admin.execute("UPDATE event_store.view_refreshes SET duration = '0'")
    assert value(other, "SELECT event_store.work_views()") == 1
    assert value(admin, "SELECT event_store.work_views()") == 0
    other.commit()
    assert value(admin, "SELECT count(*) FROM projections.portfolio_positions") == 1


def test_a_view_without_contents_is_filled(empty_store: Store) -> None:
    admin = empty_store.connect("postgres")
    append(admin, AGGREGATE_TYPE, uuid4(), (OPENED, {"symbol": "KO"}))
    work(admin)
    admin.execute("REFRESH MATERIALIZED VIEW projections.portfolio_positions WITH NO DATA")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        admin.execute("SELECT FROM projections.portfolio_positions")
    assert value(admin, "SELECT event_store.work_views()") == 1
    assert value(admin, "SELECT count(*) FROM projections.portfolio_positions") == 1


def test_readers_of_the_view_are_not_blocked_by_a_refresh(store: Store, app: Connection) -> None:
    """The lock of REFRESH … CONCURRENTLY lasts until the end of the transaction; a plain one would block."""
    other = store.connect(autocommit=False)
    other.execute("SELECT public.refresh_materialized_views()")
    app.execute("SET lock_timeout = '100ms'")
    app.execute("SELECT FROM projections.portfolio_positions")
    other.rollback()


def test_the_application_writes_neither(app: Connection) -> None:
    for relation in ("positions", "portfolio_positions"):
        for statement in (
            "DELETE FROM projections.{}",
            "UPDATE projections.{} SET symbol = ''",
            "DROP TABLE projections.{}",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType)):
                app.execute(statement.format(relation))


def test_the_migration_counts_in_the_events_that_are_there(server: Server) -> None:
    """Those that are safe to read; one that is uncommitted meanwhile is left to the projection."""
    store = server.create(new_name())
    try:
        admin, late = store.connect("postgres"), store.connect("postgres", autocommit=False)
        before, migration = migrations_until("projections")
        as_owner(admin, *before)
        insert = """
            INSERT INTO event_store.events (event_id, aggregate_type, aggregate_id, event_version, event_type, event_data)
            VALUES (gen_random_uuid(), %s, %s, %s, %s, %s) RETURNING global_position"""
        position = uuid4()
        admin.execute(insert, ["Position", position, 1, OPENED, Jsonb({"symbol": "IBM", "quantity": 2})])
        last = value(admin, insert, ["Position", position, 2, UPDATED, Jsonb({"quantity": 3, "average_price": "?"})])
        settle_without_functions(admin)
        late.execute(insert, ["Position", uuid4(), 1, OPENED, Jsonb({"symbol": "KO"})])
        as_owner(admin, migration)
        late.commit()
        rows = "SELECT position_id, symbol, quantity, average_price FROM projections.positions"
        assert admin.execute(rows).fetchall() == [(position, "IBM", 3, None)]
        assert state(admin, "portfolio_positions")["last_global_position"] == last
    finally:
        store.close()
        server.drop(store.name)


def migrations_until(name: str) -> tuple[list[str], str]:
    """The migrations before the one of that name, and that one."""
    steps = list(catalogue.load().migrations)
    place = [step.name for step in steps].index(name)
    return [step.up for step in steps[:place]], steps[place].up


def as_owner(admin: Connection, *scripts: str) -> None:
    """Run each as a deploy does."""
    for script in scripts:
        with admin.transaction():
            admin.execute("SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL ROLE event_store_owner")
            admin.execute(script)


def settle_without_functions(admin: Connection) -> None:
    """Like settle(), before there is a horizon."""
    safe = "SELECT max(transaction_id) < pg_snapshot_xmin(pg_current_snapshot()) FROM event_store.events"
    while not value(admin, safe):
        time.sleep(0.02)
