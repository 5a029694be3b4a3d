"""What `make status` says of projections."""

from functools import cache
from typing import Any

import pytest

from deploy.machine.status import State
from deploy.model.event_stores import EventStore
from deploy.model.inventory import read_inventory
from deploy.schema.status import Followers, rows

PROJECTION = {
    "projection_name": "users", "status": "active", "events_behind": 0, "seconds_behind": 0, "error_message": None,
    "is_outdated": False, "rebuild_status": None, "rebuild_events_behind": None, "rebuild_error_message": None,
}  # fmt: skip


@cache
def local() -> EventStore:
    return read_inventory("inventory/local.py").event_stores[0]


def said(left_out: int = 0, **changes: Any) -> tuple[State, str]:
    [row] = rows(local(), [Followers([PROJECTION | changes], {"users": left_out}, [])])
    return row.state, row.detail


def test_up_to_date() -> None:
    assert said() == (State.WELL, "up to date")


@pytest.mark.parametrize(("events", "counted"), [(1, "1 event left out"), (2, "2 events left out")])
def test_what_is_left_out_is_counted(events: int, counted: str) -> None:
    assert said(events) == (State.WELL, f"up to date; {counted}: SELECT * FROM event_store.unapplied_events")


@pytest.mark.parametrize(("events", "counted"), [(1, "1 event, 3 s behind"), (2, "2 events, 3 s behind")])
def test_how_far_it_is_behind_is_counted(events: int, counted: str) -> None:
    assert said(events_behind=events, seconds_behind=3) == (State.WELL, counted)


def test_rows_of_an_older_definition_are_not_well() -> None:
    state, detail = said(is_outdated=True)
    assert state is State.DEGRADED
    assert "SELECT event_store.rebuild_projection('users')" in detail


def test_a_lost_checkpoint_has_the_remedy_that_helps() -> None:
    state, detail = said(status="failed", is_outdated=True, error_message="lost")
    assert state is State.DEGRADED
    assert "rebuild_projection" in detail
    assert "resume_projection" not in detail
