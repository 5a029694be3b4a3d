import pickle
from uuid import UUID

import psycopg
import pytest

from event_store import START, Cursor, errors
from event_store.eventsourcing import LostNotificationsError

FORK = UUID("0b0e2c5e-6a0c-4f61-9d0b-2f8f0a3c7d11")


def test_a_conflict_tells_expected_and_actual_version() -> None:
    conflict = errors.VersionConflictError("version conflict on Position …", "expected version 3, actual version 5")
    assert (conflict.expected, conflict.actual) == ("3", 5)


def test_a_detail_that_is_not_understood_is_said_to_be_that() -> None:
    with pytest.raises(ValueError, match="not understood: 'nonsense'"):
        _ = errors.VersionConflictError("version conflict", "nonsense").actual


def test_an_error_survives_the_way_to_another_process() -> None:
    error = errors.InvalidPayloadError("message", "detail", "hint")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is type(error)
    assert str(copy) == str(error) == "message\ndetail\nhint"


def test_a_snapshot_that_cannot_be_read_is_named_also_in_another_process() -> None:
    error = errors.UnreadableSnapshotError(("Position", UUID(int=1)), 7, 2, "RecursionError()")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (copy.aggregate_type, copy.aggregate_version, copy.snapshot_version) == ("Position", 7, 2)
    assert str(copy) == str(error)
    assert "at version 7, layout 2, cannot be read: RecursionError()" in str(error)


@pytest.mark.parametrize(("words", "lost"), [("about 20", 20), ("unknown", None)])
def test_a_lost_history_tells_where_to_go_on(words: str, lost: int | None) -> None:
    detail = f"cursor (1000, 77); fork {FORK} (start, recorded at 2026-01-02) after (900, 57); events lost up to the cursor: {words}"
    error = errors.LostHistoryError("the cursor is of a history of the store that is lost", detail)
    assert (error.back_to, error.fork, error.events_lost) == (Cursor(900, 57), FORK, lost)


def test_of_a_history_that_is_not_known_everything_is_read_again() -> None:
    detail = "cursor (1000, 77); its history is not known here; events lost up to the cursor: unknown"
    error = errors.LostHistoryError("the cursor is of a history of the store that is lost", detail)
    assert (error.back_to, error.fork, error.events_lost) == (START, None, None)
    with pytest.raises(ValueError, match="not understood"):
        _ = errors.LostHistoryError("lost", "cursor (1000, 77)").back_to


def test_a_pending_history_is_an_error_of_the_store_and_of_the_driver() -> None:
    error = errors.HistoryPendingError("message", "detail", "hint")
    assert isinstance(error, errors.EventStoreError)
    assert isinstance(error, psycopg.OperationalError)
    assert error.sqlstate == "SE019"
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), str(copy)) == (type(error), "message\ndetail\nhint")


def test_the_adapter_says_how_much_was_lost_or_that_this_is_unknown() -> None:
    assert LostNotificationsError("orders", 12, 10).lost == 2
    assert "about 2" in str(LostNotificationsError("orders", 12, 10))
    assert LostNotificationsError("orders", 2**40, 10).lost is None
    assert "unknown" in str(LostNotificationsError("orders", 2**40, 10))
    assert LostNotificationsError.sqlstate == "SE018"
