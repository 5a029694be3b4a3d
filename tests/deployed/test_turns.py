"""Of two runs that would change one LXC host at once the second is refused, and a killed run leaves nothing behind."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .containers import TRIXIE
from .deployment import PYINFRA, ROOT, Deployment

pytestmark = pytest.mark.turn

LOCK = Path("/run/event-store/run.lock")


@contextmanager
def at_the_prompt(deployment: Deployment) -> Iterator["subprocess.Popen[str]"]:
    """A run that has made its plan and waits to be told that it may go on."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([PYINFRA, deployment.inventory, "deploy/"], cwd=ROOT, text=True, **pipes) as run:  # type: ignore[call-overload]
        while f"process {run.pid}," not in (LOCK.read_text() if LOCK.exists() else ""):
            assert run.poll() is None, "the run has ended without the lock"
            time.sleep(0.05)
        yield run
        run.kill()


def test_a_second_run_is_refused_and_told_who_is_at_work(deployed: Deployment) -> None:
    deployed.apply()
    with at_the_prompt(deployed) as first:
        one = ("--limit", f"@lxc/{TRIXIE}")
        for arguments in (("deploy/",), ("deploy/", *one), ("deploy/rollback.py", "--data", "to=1", *one)):
            second = deployed.run(*arguments, "-y", check=False)
            assert second.returncode != 0
            assert "@local: nothing was touched: another run is at work there: root on " in second.stderr
            assert f", process {first.pid}, {deployed.inventory}, since " in second.stderr


def test_a_plan_needs_no_turn(deployed: Deployment) -> None:
    deployed.apply()
    with at_the_prompt(deployed):
        deployed.assert_as_declared()


def test_a_killed_run_leaves_no_lock_behind(deployed: Deployment) -> None:
    deployed.apply()
    with at_the_prompt(deployed) as first:
        first.kill()
        first.wait()
        assert deployed.apply() == []


def test_a_lock_that_cannot_be_taken_is_told_from_one_that_is_taken(deployed: Deployment) -> None:
    """As for somebody who is not root on the host, or has no room left on /run."""
    deployed.apply()
    LOCK.unlink()
    LOCK.mkdir()
    try:
        done = deployed.pyinfra("-y", check=False)
    finally:
        LOCK.rmdir()
    assert done.returncode != 0
    assert f"@local: nothing was touched: the host's lock {LOCK} could not be taken" in done.stderr
    assert "another run" not in done.stderr
