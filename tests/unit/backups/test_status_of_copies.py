"""What `make status` says of the copies of a repository."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.backups.copies.facts import Copies
from deploy.backups.copies.status import of_copies
from deploy.machine.status import State

NOW = datetime(2026, 11, 3, 7, tzinfo=UTC)
NAMES = ["20261102-030000", "20261103-030000"]


def said(**more: Any) -> tuple[State, str]:
    return of_copies(Copies(**{"stores": ["one"], "names": NAMES, **more}), NOW)


def test_all_is_well() -> None:
    assert said(drilled={"one": "20261102-030000"}) == (
        State.WELL,
        "2 verified, the newest one 20261103-030000, 4 hours ago; restored by a drill: 20261102-030000",
    )


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ({"names": []}, "no verified copy yet; `make copy` makes one"),
        ({"names": NAMES[:1]}, "28 hours ago; that is too old; `make copy` makes one"),
        ({"problems": ["the disk is full"]}, "4 hours ago; the disk is full"),
        ({"names": [*NAMES, "20261103-040000.failed"]}, "something is wrong with them: 20261103-040000.failed"),
        ({"names": ["20261103-040000.unproven"]}, "no verified copy yet"),
        ({"names": [*NAMES, "lost+found"]}, "4 hours ago; no copy, and ignored: 'lost+found'"),
        ({"names": [*NAMES, "20261399-040000"]}, "4 hours ago; no copy, and ignored: '20261399-040000'"),
        ({"names": [*NAMES, "old.failed"]}, "4 hours ago; no copy, and ignored: 'old.failed'"),
    ],
)
def test_what_is_wrong_is_said(seen: dict[str, Any], text: str) -> None:
    state, detail = said(**seen)
    assert (state, text in detail) == (State.DEGRADED, True), detail


def test_an_old_failure_is_history() -> None:
    assert said(names=["20261101-030000.failed", *NAMES])[0] == State.WELL


def test_a_host_without_systemd_says_so() -> None:
    state, detail = said(timer=False)
    assert (state, detail.endswith("systemd is not PID 1 on this host")) == (State.WELL, True)


def test_a_host_without_the_program_is_down() -> None:
    assert of_copies(None, NOW)[0] == State.DOWN


def test_nothing_is_copied_where_nothing_is_backed_up() -> None:
    assert said(stores=[], names=[]) == (State.WELL, "nothing is backed up here, so nothing is copied")
