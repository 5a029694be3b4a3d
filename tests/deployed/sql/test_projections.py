"""The framework: what is new and nothing else, the checkpoint with the rows, and each projection for itself."""

import time
from uuid import uuid4

import psycopg
import pytest

from .projecting import Connection, Numbers, append, register, settle, state, value, work
from .stores import Store


@pytest.fixture
def numbers(empty_store: Store) -> Numbers:
    """A store with one projection of numbers."""
    projection = Numbers(empty_store, "numbers")
    register(projection.admin, projection)
    return projection


def test_each_event_is_applied_once_and_in_order(numbers: Numbers) -> None:
    numbers.append(1, 2, 5)
    assert work(numbers.admin) == 3
    numbers.append(10)
    append(numbers.admin, "Other", uuid4(), ("SomethingElse", {}))
    assert work(numbers.admin) == 2
    assert numbers.rows() == [1000, 500, 200, 100]
    assert work(numbers.admin) == 0


def test_the_checkpoint_is_the_last_event_passed_whatever_its_type(numbers: Numbers) -> None:
    numbers.append(1)
    append(numbers.admin, "Other", uuid4(), ("SomethingElse", {}))
    work(numbers.admin)
    last = numbers.admin.execute(
        "SELECT event_id, created_at, transaction_id::text, global_position FROM event_store.events"
        " ORDER BY global_position DESC LIMIT 1"
    ).fetchone()
    row = state(numbers.admin, "numbers")
    assert last == (
        row["last_processed_event_id"],
        row["last_processed_timestamp"],
        str(row["last_transaction_id"]),
        row["last_global_position"],
    )
    assert row["status"] == "active"


def test_a_batch_that_is_rolled_back_leaves_neither_rows_nor_checkpoint(numbers: Numbers) -> None:
    numbers.append(1, 2)
    settle(numbers.admin)
    with numbers.admin.transaction(force_rollback=True):
        assert value(numbers.admin, "SELECT event_store.work_projections()") == 2
    assert numbers.rows() == []
    assert work(numbers.admin) == 2
    assert numbers.rows() == [1000, 500]


def test_uncommitted_events_and_those_after_them_wait(numbers: Numbers, empty_store: Store) -> None:
    other = empty_store.connect("postgres", autocommit=False)
    append(other, "Number", uuid4(), (numbers.event_type, {"n": 1}))
    numbers.append(2)
    assert value(numbers.admin, "SELECT event_store.work_projections()") == 0
    other.commit()
    work(numbers.admin)
    assert numbers.rows() == [1000, 500]


@pytest.mark.parametrize("before", [0, 1, 7, 700, 2500])
def test_an_event_that_fails_stops_the_projection_after_what_went_well(numbers: Numbers, before: int) -> None:
    numbers.append(*[4] * before, 0, 5)
    poison = value(numbers.admin, "SELECT event_id FROM event_store.events WHERE event_data ->> 'n' = '0'")
    work(numbers.admin)
    row = state(numbers.admin, "numbers")
    assert numbers.rows() == [250] * before
    assert (row["status"], row["failed_event_id"], row["error_sqlstate"]) == ("failed", poison, "22012")
    assert row["error_message"] == "division by zero"
    assert row["failed_global_position"] == before + 1
    assert row["last_global_position"] == before
    assert row["retry_at"] is None
    assert work(numbers.admin) == 0


def test_others_go_on(empty_store: Store) -> None:
    first, second = Numbers(empty_store, "first"), Numbers(empty_store, "second")
    register(first.admin, first, second)
    first.append(1, 0, 2)
    second.append(1, 2)
    work(first.admin)
    second.append(4)
    work(first.admin)
    assert (first.rows(), state(first.admin, "first")["status"]) == ([1000], "failed")
    assert (second.rows(), state(first.admin, "second")["status"]) == ([1000, 500, 250], "active")


def test_it_goes_on_when_the_cause_is_mended(numbers: Numbers) -> None:
    numbers.append(1, 0, 2)
    work(numbers.admin)
    numbers.admin.execute("SELECT event_store.resume_projection('numbers')")
    work(numbers.admin)
    assert state(numbers.admin, "numbers")["status"] == "failed"
    numbers.write("coalesce(1000 / nullif((event.event_data ->> 'n')::integer, 0), -1)")
    numbers.admin.execute("SELECT event_store.resume_projection('numbers')")
    work(numbers.admin)
    row = state(numbers.admin, "numbers")
    assert numbers.rows() == [1000, -1, 500]
    assert (row["status"], row["error_message"], row["failed_event_id"]) == ("active", None, None)


def test_an_event_can_be_skipped_on_record(numbers: Numbers) -> None:
    numbers.append(1, 0, 2)
    work(numbers.admin)
    poison = state(numbers.admin, "numbers")["failed_event_id"]
    numbers.admin.execute("SELECT event_store.skip_event('numbers', %s, 'typing error, ticket 12')", [poison])
    numbers.admin.execute("SELECT event_store.resume_projection('numbers')")
    work(numbers.admin)
    assert numbers.rows() == [1000, 500]
    record = "SELECT event_id, reason, error_message, skipped_by, revoked_by FROM event_store.projection_skips"
    expected = (poison, "typing error, ticket 12", "SQLSTATE 22012: division by zero", "postgres")
    assert numbers.admin.execute(record).fetchall() == [(*expected, None)]
    assert value(numbers.admin, "SELECT event_store.unskip_event('numbers', %s)", [poison])
    assert numbers.admin.execute(record).fetchall() == [(*expected, "postgres")]
    assert not value(numbers.admin, "SELECT event_store.unskip_event('numbers', %s)", [poison])


@pytest.mark.parametrize("event", ["gen_random_uuid()", "(SELECT event_id FROM event_store.events)"])
def test_a_skip_needs_an_event_and_a_reason(numbers: Numbers, event: str) -> None:
    numbers.append(1)
    reason = "''" if "SELECT" in event else "'because'"
    with pytest.raises(psycopg.Error) as refusal:
        numbers.admin.execute(f"SELECT event_store.skip_event('numbers', {event}, {reason})")
    assert refusal.value.sqlstate == "SE002"


def test_paused_until_resumed(numbers: Numbers) -> None:
    numbers.append(1)
    numbers.admin.execute("SELECT event_store.pause_projection('numbers')")
    assert work(numbers.admin) == 0
    assert numbers.rows() == []
    numbers.admin.execute("SELECT event_store.resume_projection('numbers')")
    work(numbers.admin)
    assert numbers.rows() == [1000]


def test_what_is_no_events_fault_is_tried_again(numbers: Numbers, empty_store: Store) -> None:
    work(numbers.admin)
    numbers.append(1)
    settle(numbers.admin)
    other = empty_store.connect("postgres", autocommit=False)
    other.execute("LOCK TABLE projections.numbers")
    assert value(numbers.admin, "SELECT event_store.work_projections()") == 0
    row = state(numbers.admin, "numbers")
    assert (row["status"], row["error_sqlstate"], row["failed_event_id"]) == ("failed", "55P03", None)
    other.commit()
    while state(numbers.admin, "numbers")["status"] == "failed":
        numbers.admin.execute("SELECT event_store.work_projections()")
        time.sleep(0.05)
    assert numbers.rows() == [1000]
    assert state(numbers.admin, "numbers")["retry_at"] is None


def test_a_slow_projection_does_not_keep_others_from_going_on(empty_store: Store) -> None:
    slow, quick = Numbers(empty_store, "slow"), Numbers(empty_store, "quick")
    register(slow.admin, slow, quick)
    slow.append(*[1] * 50, sleep=0.06)
    settle(slow.admin)
    slow.admin.execute("SELECT event_store.work_projections()")
    quick.append(1, 2)
    settle(slow.admin)
    while not quick.rows():
        slow.admin.execute("SELECT event_store.work_projections()")
    assert 0 < len(slow.rows()) < 50


def test_lag_is_a_number(numbers: Numbers) -> None:
    work(numbers.admin)
    lag = "SELECT status, events_behind, seconds_behind FROM event_store.projection_lag('numbers')"
    assert numbers.admin.execute(lag).fetchall() == [("active", 0, 0)]
    numbers.append(1, 0, 2)
    status, events, seconds = numbers.admin.execute(lag).fetchall()[0]
    assert (status, events) == ("active", 3)
    assert seconds > 0
    work(numbers.admin)
    assert numbers.admin.execute(lag).fetchall()[0][:2] == ("failed", 2)


def test_lag_beyond_what_is_counted_is_an_estimate(numbers: Numbers) -> None:
    work(numbers.admin)
    for _ in range(3):
        numbers.append(*[1] * 4000)
    assert value(numbers.admin, "SELECT events_behind FROM event_store.projection_lag('numbers')") == 12000


def test_nothing_new_writes_nothing(numbers: Numbers) -> None:
    work(numbers.admin)
    with numbers.admin.transaction():
        assert value(numbers.admin, "SELECT event_store.work_projections()") == 0
        assert value(numbers.admin, "SELECT event_store.work_views()") == 0
        assert value(numbers.admin, "SELECT pg_current_xact_id_if_assigned()") is None


_OPERATORS = ("advance_projection('x')", "pause_projection('x')", "resume_projection('x')", "rebuild_projection('x')")
_MORE = ("cancel_rebuild('x')", "skip_event('x', gen_random_uuid(), 'y')", "unskip_event('x', gen_random_uuid())")


@pytest.mark.parametrize("call", [*_OPERATORS, *_MORE])
def test_operators_functions_refuse_unknown_projections(app: Connection, admin: Connection, call: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        admin.execute(f"SELECT event_store.{call}")
    assert refusal.value.sqlstate == "SE013"
    assert "portfolio_positions" in (refusal.value.diag.message_detail or "")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(f"SELECT event_store.{call}")


def test_advance_refuses_what_is_not_active_and_says_why(numbers: Numbers) -> None:
    numbers.append(1, 0)
    settle(numbers.admin)
    assert value(numbers.admin, "SELECT event_store.advance_projection('numbers', 1)") == 1
    assert value(numbers.admin, "SELECT event_store.advance_projection('numbers')") == 0
    with pytest.raises(psycopg.Error) as refusal:
        numbers.admin.execute("SELECT event_store.advance_projection('numbers')")
    assert refusal.value.sqlstate == "SE013"
    assert "22012: division by zero" in (refusal.value.diag.message_detail or "")
    assert "resume_projection" in (refusal.value.diag.message_hint or "")


def test_the_worker_may_call_its_functions_and_read_nothing(store: Store) -> None:
    worker = store.connect("event_store_worker")
    worker.execute("SELECT event_store.work_projections(), event_store.work_views()")
    for table in ("event_store.events", "projections.users", "projections.positions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute(f"SELECT FROM {table}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute("SELECT event_store.rebuild_projection('users')")


def test_a_temporary_table_cannot_pose_as_one_of_a_projection(store: Store) -> None:
    """Whoever refreshes the views runs apply functions in his own session."""
    app = store.connect()
    app.execute("CREATE TEMPORARY TABLE positions (LIKE projections.positions INCLUDING ALL)")
    position = uuid4()
    append(app, "Position", position, ("PositionOpened", {"symbol": "IBM", "quantity": 1}))
    settle(app)
    app.execute("SELECT public.refresh_materialized_views()")
    assert value(app, "SELECT count(*) FROM pg_temp.positions") == 0
    assert value(app, "SELECT count(*) FROM projections.positions WHERE position_id = %s", [position]) == 1
