"""How the backups are: what was archived, when the last backup was made, and when all was read and checked."""

import time
from collections.abc import Sequence
from typing import Any, Final

from deploy.backups.facts import Archiver, ArchiverFact, Stanza, StanzasFact
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.backup_repositories import BackupRepository
from deploy.model.event_stores import EventStore

_HOUR: Final = 3600
#: Hours after which the last backup is too old, whatever the schedule says: a day, and some time to make it.
_OLD: Final = 26
#: Days after which the last look at everything is too old: a week, and some time for it.
_UNVERIFIED: Final = 8
#: How many segments may wait for the archive; one that has just been filled does.
_WAITING: Final = 2


def questions(container: EventStore | BackupRepository) -> list[Ask]:
    """What the repository has, or what the server has archived."""
    if isinstance(container, BackupRepository):
        return [Ask(StanzasFact)]
    return [Ask(ArchiverFact)] if container.backup_repository else []


def rows(container: EventStore | BackupRepository, answers: Sequence[Any]) -> list[Row]:
    """One row for each event store of a repository, and one for the archive of an event store."""
    if isinstance(container, BackupRepository):
        [stanzas] = answers
        if stanzas is None:
            return [Row("backups", container.lxc_name, State.DOWN, "there is no repository; `make deploy` makes it")]
        return [Row("backups", name, *_of_stanza(stanza, time.time())) for name, stanza in stanzas.items()]
    return [Row("archive", "wal", *of_archiver(archiver)) for archiver in answers]


def of_archiver(archiver: Archiver) -> tuple[State, str]:
    """How the archive of a server is."""
    if archiver.silence:
        return State.DOWN, archiver.silence
    if archiver.mode == "off":
        return State.DOWN, "nothing is archived; `make deploy` restarts the server for that"
    if archiver.failed:
        return State.DEGRADED, (
            f"{archiver.failed} cannot be archived, and {archiver.waiting} segments of 16 MB wait on the data volume; the "
            "server's log says why"
        )
    if archiver.waiting > _WAITING:
        return State.DEGRADED, f"{archiver.waiting} segments of 16 MB wait for the archive"
    return State.WELL, f"archived up to {archiver.archived or 'nothing yet'}; {archiver.current} is being written"


def _of_stanza(stanza: Stanza, now: float) -> tuple[State, str]:
    if stanza.trouble:
        return State.DEGRADED, stanza.trouble
    if not stanza.backups:
        return State.DEGRADED, "not backed up; `make deploy` starts the first full backup, `make backup` makes one"
    last = stanza.backups[-1]
    age = (now - last["timestamp"]["stop"]) / _HOUR
    detail = f"{len(stanza.backups)} backups, the last one ({last['type']}) {age:.0f} hours ago"
    problems = [f"the last backup is {age:.0f} hours old; `make backup` makes one"] if age > _OLD else []
    problems += [f"{backup['label']} has damaged pages" for backup in stanza.backups if backup.get("error")]
    checked = stanza.verified
    if checked:
        days = (now - checked["at"]) / _HOUR / 24
        detail += f"; verified {days:.0f} days ago"
        problems += checked["problems"]
        if days > _UNVERIFIED:
            problems.append(
                f"what is kept was last verified {days:.0f} days ago; the timer event-store-verify should do it"
            )
    else:
        detail += "; not verified yet"
    return (State.DEGRADED, "; ".join(problems)) if problems else (State.WELL, detail)
