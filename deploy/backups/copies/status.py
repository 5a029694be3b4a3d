"""How the copies of a repository are, asked on its LXC host."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from deploy.backups.copies.facts import Copies, CopiesFact
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.backup_repositories import BackupRepository

#: Hours after which the newest copy is too old, whatever the schedule says: a day, and some time to make it.
_OLD: Final = 26


def questions(repository: BackupRepository) -> list[Ask]:
    """What to ask on its host."""
    return [Ask(CopiesFact, repository=repository.lxc_name)] if repository.is_copied else []


def rows(repository: BackupRepository, answers: Sequence[Any]) -> list[Row]:
    """One row, if it is copied."""
    return [Row("copies", repository.name, *of_copies(copies, datetime.now(UTC))) for copies in answers]


def of_copies(copies: Copies | None, now: datetime) -> tuple[State, str]:
    """How they are."""
    if copies is None:
        return State.DOWN, "the host has no program that makes them; `make deploy` installs it"
    if not copies.stores:
        return State.WELL, "nothing is backed up here, so nothing is copied"
    proven = [name for name in copies.names if "." not in name]
    apart = [name for name in copies.names if name.endswith(".failed") and name > "".join(proven[-1:])]
    known, problems = [_of_newest(proven, now)], list(copies.problems)
    if not proven or _hours(proven[-1], now) > _OLD:
        problems.append("`make copy` makes one" if not proven else "that is too old; `make copy` makes one")
    if apart:
        problems.append(f"kept apart, because something is wrong with them: {', '.join(apart)}")
    if restored := {name for name in copies.drilled.values() if name in proven}:
        known.append(f"restored by a drill: {', '.join(sorted(restored))}")
    if not copies.timer:
        known.append("nothing makes them by itself, as systemd is not PID 1 on this host")
    return (State.DEGRADED if problems else State.WELL), "; ".join([*known, *problems])


def _of_newest(proven: Sequence[str], now: datetime) -> str:
    if not proven:
        return "no verified copy yet"
    return f"{len(proven)} verified, the newest one {proven[-1]}, {_hours(proven[-1], now):.0f} hours ago"


def _hours(name: str, now: datetime) -> float:
    made = datetime.strptime(f"{name} +0000", "%Y%m%d-%H%M%S %z")
    return (now - made).total_seconds() / 3600
