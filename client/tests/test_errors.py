import pickle
from uuid import UUID

import pytest

from event_store import errors


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
