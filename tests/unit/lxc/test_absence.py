"""A container that others depend on is stopped only once they can do without it."""

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from consensus_members import declared
from declared import lxc_host

from deploy.lxc.container import absence, operations
from deploy.model.backup_repositories import BackupRepository
from deploy.model.consensus import PROGRAM, ConsensusMember
from deploy.model.event_stores import EventStore


def run(folder: Path, state: str, before_stop: str) -> "subprocess.CompletedProcess[str]":
    """The command by a real shell, with an lxc-attach that runs what it is given here, and a container in some state."""
    for name, script in (
        ("lxc-attach", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'),
        ("lxc-info", f"echo {state}"),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    [command] = absence.let_go("one", before_stop)
    line, paths = command.get_raw_value(), f"{folder}:{os.environ['PATH']}"
    return subprocess.run(["sh", "-c", line], env={"PATH": paths}, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """`working` shows its message by pyinfra, which does not run here."""
    monkeypatch.setattr(absence, "working", nullcontext)


@pytest.mark.parametrize(
    ("state", "before_stop", "status"),
    [("RUNNING", "true", 0), ("RUNNING", "echo not now >&2; false", 1), ("STOPPED", "false", 0)],
)
def test_it_stops_only_if_it_may(tmp_path: Path, state: str, before_stop: str, status: int) -> None:
    assert run(tmp_path, state, before_stop).returncode == status


def test_only_members_of_the_consensus_are_missed() -> None:
    assert list(absence.let_go("one", EventStore.before_stop)) == []
    assert BackupRepository.before_stop is None
    assert PROGRAM in str(ConsensusMember.before_stop)


def test_it_is_asked_before_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "working", nullcontext)
    monkeypatch.setattr(operations, "look", lambda *_, **__: None)
    monkeypatch.setattr(operations, "report", list)
    monkeypatch.setattr(operations, "_state", lambda *_: (None, {}))
    monkeypatch.setattr(operations, "_restart_reasons", lambda *_: ["its memory"])
    restart: Any = operations.restart
    commands = [str(one) for one in restart._inner(container=declared(1), settings=lxc_host())]
    assert [("spare" in one, "lxc-stop" in one, "lxc-start" in one) for one in commands] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
