"""How the backups are: what was archived, when the last backup was made, and when all was read and checked."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from deploy.backups import restored_copy
from deploy.backups.facts import Archiver, ArchiverFact, Stanza, StanzasFact
from deploy.backups.restoring import Replaced
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.backup_repositories import BackupRepository
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore

_HOUR: Final = 3600
#: Hours after which the last backup is too old, whatever the schedule says: a day, and some time to make it.
_OLD: Final = 26
#: Days after which the last check is too old: a week, and some time for it.
_UNCHECKED: Final = 8
_VERIFY: Final = ("verified", "event-store-verify")
_DRILL: Final = ("drilled", "event-store-drill")
#: Seconds for which a segment may wait for the archive.
_WAITING: Final = 60


def questions(container: EventStore | BackupRepository) -> list[Ask]:
    """What the repository has, or what the server has archived."""
    if isinstance(container, BackupRepository):
        return [Ask(StanzasFact)]
    if not container.reads_backups:
        return []
    first = restored_copy.status_questions(container) if container.copy_of else [Ask(ArchiverFact)]
    return [*first, Ask(Replaced, data=ClusterPaths(container.version).data)]


def rows(container: EventStore | BackupRepository, answers: Sequence[Any]) -> list[Row]:
    """One row for each event store of a repository; one for the archive of an event store, or for a copy, and for old data."""
    if isinstance(container, BackupRepository):
        [stanzas] = answers
        if stanzas is None:
            return [
                Row(
                    "backups",
                    container.lxc_name,
                    State.DOWN,
                    "its program does not answer; `make drift` says what is missing, `event-store-backups report` in the container why",
                )
            ]
        return [Row("backups", name, *of_stanza(stanza, time.time())) for name, stanza in stanzas.items()]
    if not container.reads_backups:
        return []
    first, replaced = answers
    row = restored_copy.row(container, first) if container.copy_of else Row("archive", "wal", *of_archiver(first))
    kept = [Row("replaced", "data", *of_replaced(container.lxc_name, replaced))] if replaced else []
    return [row, *kept]


def of_replaced(container: str, replaced: Mapping[str, int]) -> tuple[State, str]:
    """What is kept of before restores."""
    oldest = min(path.rpartition(".before-")[2] for path in replaced)
    since = datetime.strptime(f"{oldest}Z", "%Y%m%d-%H%M%S%z")
    mib = sum(replaced.values()) // 1024**2
    return State.WELL, (
        f"{mib:,} MiB that restores have replaced, the first ones at {since:%Y-%m-%d %H:%M:%SZ}; "
        f"`make discard CONFIRM={container}` removes them"
    )


def of_archiver(archiver: Archiver) -> tuple[State, str]:
    """How the archive of a server is."""
    if archiver.silence:
        return State.DOWN, archiver.silence
    if archiver.mode == "off":
        return State.DOWN, "nothing is archived; `make deploy` restarts the server for that"
    if archiver.failed or archiver.seconds > _WAITING:
        failed = f"{archiver.failed} cannot be archived; " if archiver.failed else ""
        return State.DEGRADED, (
            f"{failed}{archiver.waiting} segments of 16 MB wait on the data volume, the first one for {archiver.seconds:.0f} s; "
            "is the repository up? The server's log may say more"
        )
    return State.WELL, f"archived up to {archiver.archived or 'nothing yet'}; {archiver.current} is being written"


def of_stanza(stanza: Stanza, now: float) -> tuple[State, str]:
    """How the backups of an event store are; ``now``: seconds since 1970."""
    if stanza.trouble:
        return State.DEGRADED, stanza.trouble
    if not stanza.backups:
        return State.DEGRADED, "not backed up; `make deploy` starts the first full backup, `make backup` makes one"
    last = stanza.backups[-1]
    age = (now - last["timestamp"]["stop"]) / _HOUR
    known = [f"{len(stanza.backups)} backups, the last one ({last['type']}) {age:.0f} hours ago"]
    problems = [f"the last backup is {age:.0f} hours old; `make backup` makes one"] if age > _OLD else []
    problems += [f"{backup['label']} has damaged pages" for backup in stanza.backups if backup.get("error")]
    for words, record in ((_VERIFY, stanza.verified), (_DRILL, stanza.drilled)):
        what, trouble = _of_check(words, record, stanza.backups[0]["timestamp"]["stop"], now)
        known.append(what)
        problems += trouble
    problems += stanza.undrilled["problems"] if stanza.undrilled else []
    return (State.DEGRADED, "; ".join([*known, *problems])) if problems else (State.WELL, "; ".join(known))


def _of_check(
    words: tuple[str, str], record: Mapping[str, Any] | None, first: int, now: float
) -> tuple[str, list[str]]:
    """What is known of a check, and what is wrong; ``first``: when there was first something to check, if that is known."""
    done, unit = words
    days = (now - (record["at"] if record else first)) / _HOUR / 24
    overdue = [f"overdue; see `journalctl -u {unit}` in the container"] if days > _UNCHECKED else []
    if record is None:
        return f"not {done} yet", overdue
    took = (
        f" (restored in {record['restore_seconds'] + record['recovery_seconds']:.0f} s{_where(record)})"
        if "restore_seconds" in record
        else ""
    )
    return f"{done} {days:.0f} days ago{took}", [*record["problems"], *overdue]


def _where(record: Mapping[str, Any]) -> str:
    return f" in {record['where']}" if "where" in record else ""
