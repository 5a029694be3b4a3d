"""`deploy/rollback.py` on machines that are not there: what cannot be done is said before anything is touched."""

import pytest

from .command import FAKE
from .conftest import Pyinfra

_ROLLBACK = "deploy/rollback.py"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "say how far to go back with --data to=NNNN, one of 0000, 0001_event_store"),
        (["to="], "say how far to go back"),
        (["to=latest"], "say how far to go back"),
        (["to=-1"], "say how far to go back"),
        (["to=9999"], "to=9999 is no migration of this checkout"),
        (["to=0001_other"], "to=0001_other is no migration of this checkout"),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["--dry", "-y"])
def test_a_target_that_is_none_is_refused(pyinfra: Pyinfra, data: list[str], says: str, mode: str) -> None:
    done = pyinfra(FAKE, _ROLLBACK, mode, *(word for value in data for word in ("--data", value)))
    assert done.returncode != 0
    assert f"nothing was touched: {says}" in done.stderr
    assert "Starting operation" not in done.stderr


@pytest.mark.parametrize("mode", ["--dry", "-y"])
def test_a_store_that_does_not_answer_is_not_taken_back(pyinfra: Pyinfra, mode: str) -> None:
    done = pyinfra(FAKE, _ROLLBACK, mode, "--data", "to=1")
    assert done.returncode != 0
    assert (
        "nothing was touched: the container is not running, or there is no PostgreSQL in it; deploy first"
        in done.stderr
    )
    assert "Take migrations back" not in done.stderr


def test_a_misspelt_key_is_refused(pyinfra: Pyinfra) -> None:
    done = pyinfra(FAKE, _ROLLBACK, "--dry", "--data", "too=1")
    assert done.returncode != 0
    assert "too = 1: unknown key" in done.stderr
