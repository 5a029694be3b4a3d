"""Restores to any target: what is there afterwards is what was acknowledged before it, 20 times of 20.

A log outside of the store says of each event when its append was called, and when it was acknowledged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle

import pytest

from .containers import declared, repository
from .deployment import Deployment, sql
from .kept import Kept, forget, until

pytestmark = pytest.mark.soak
TARGETS = 20
#: Events between one target and the next.
BETWEEN = 25


@dataclass(frozen=True)
class Entry:
    """One append, as its caller saw it."""

    event: str
    called: datetime
    acknowledged: datetime


@dataclass(frozen=True)
class Target:
    """Options of a restore, and the entry behind which it is; for a moment that is when it was noted."""

    options: tuple[str, str]
    at: datetime | None
    entries: int


@pytest.fixture(scope="module", name="kept")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    name, kept_in = "estest-target-trixie", "estest-targets-trixie"
    forget(name)
    deployment = Deployment(tmp_path_factory.mktemp("inventory"), name, declared(name))
    deployment.containers[name]["backup_repository"] = kept_in
    deployment.repositories = {kept_in: repository(kept_in)}
    deployment.destroy()
    yield (kept := Kept(deployment, name, kept_in))
    kept.deployment.destroy()
    forget(name)


def test_what_is_restored_is_what_was_acknowledged_before_the_target(kept: Kept) -> None:
    assert kept.command("ca").returncode == 0
    kept.apply()
    until(lambda: kept.rows()["backups"][0] == "well")
    log, targets = list[Entry](), list[Target]()
    for number, kind in zip(range(TARGETS), cycle(("event", "time", "point"))):
        for _ in range(BETWEEN):
            log.append(_append(kept))
        targets.append(_target(kept, kind, number, log))
        if number == TARGETS // 2:
            assert kept.command("backup").returncode == 0
    log += [_append(kept) for _ in range(BETWEEN)]
    # The latest first: what a restore cuts off is in none that comes after it.
    for target in reversed(targets):
        done = kept.command("restore", "--confirm", kept.store, *target.options)
        assert done.returncode == 0, done.stdout + done.stderr
        there = kept.events()
        if target.at is None:
            assert there == {entry.event for entry in log[: target.entries]}, target
        else:
            assert {entry.event for entry in log if entry.acknowledged <= target.at} <= there, target
            assert not {entry.event for entry in log if entry.called > target.at} & there, target
        assert kept.command("discard", "--confirm", kept.store).returncode == 0


def _append(kept: Kept) -> Entry:
    called = _now()
    event = kept.note()
    return Entry(event, called, _now())


def _now() -> datetime:
    """By this machine's clock, which is the container's as well."""
    return datetime.now(UTC)


def _target(kept: Kept, kind: str, number: int, log: list[Entry]) -> Target:
    """One that is here and now; an event is one more, which the restore does not have."""
    if kind == "point":
        assert kept.command("restore-point", "--name", f"point {number}").returncode == 0
        return Target(("--point", f"point {number}"), None, len(log))
    if kind == "time":
        at = _now()
        return Target(("--time", at.isoformat()), at, len(log))
    entries = len(log)
    log.append(_append(kept))
    return Target(("--before-event", log[-1].event), None, entries)


def test_every_event_that_is_left_is_sealed_as_it_was(kept: Kept) -> None:
    """After so many restores, the store is whole."""
    until(lambda: sql(kept.store, "SELECT event_store.due_fork() IS NULL") == "t")
    assert kept.command("seals").returncode == 0
    assert kept.command("drill").returncode == 0
    kept.deployment.assert_as_declared()
