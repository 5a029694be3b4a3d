"""How the copies of a repository are, asked on its LXC host."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from deploy.backups.copies.facts import Copies, CopiesFact
from deploy.backups.copies.program.names import FAILED, is_proven, made_at
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
    made = {name: time for name in copies.names if (time := made_at(name))}
    strange = [repr(name) for name in copies.names if name not in made]
    proven = [name for name in made if is_proven(name)]
    apart = [name for name in made if name.endswith(FAILED) and name > "".join(proven[-1:])]
    hours = (now - made[proven[-1]]).total_seconds() / 3600 if proven else 0
    known, problems = [_of_newest(proven, hours)], list(copies.problems)
    if not proven or hours > _OLD:
        problems.append("`make copy` makes one" if not proven else "that is too old; `make copy` makes one")
    if strange:
        problems.append(f"no copy, and ignored: {', '.join(strange)}")
    if apart:
        problems.append(f"kept apart, because something is wrong with them: {', '.join(apart)}")
    if restored := {name for name in copies.drilled.values() if name in proven}:
        known.append(f"restored by a drill: {', '.join(sorted(restored))}")
    if not copies.timer:
        known.append("nothing makes them by itself, as systemd is not PID 1 on this host")
    return (State.DEGRADED if problems else State.WELL), "; ".join([*known, *problems])


def _of_newest(proven: Sequence[str], hours: float) -> str:
    if not proven:
        return "no verified copy yet"
    return f"{len(proven)} verified, the newest one {proven[-1]}, {hours:.0f} hours ago"
