"""What a restore would give, and what would be lost, in events and aggregates, by what the store has now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click

from deploy.commands import losses
from deploy.commands.errors import CommandError
from deploy.commands.superuser import Superuser, quoted
from deploy.model.event_stores import EventStore

#: Seconds to wait until what was written last is archived: after three failures PostgreSQL tries again after a minute.
_ARCHIVED: Final = 150
#: Seconds after which that is said.
_PATIENCE: Final = 5


@dataclass(frozen=True)
class Event:
    """An event that a restore is to end before."""

    position: int
    xid: int
    """Its transaction, or the subtransaction that it was stored by."""
    begun: float
    """When the transaction began, in seconds since 1970."""


def moment(text: str) -> float:
    """Seconds since 1970. Raises `CommandError` for what is no moment, or one that has not come yet."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"TIME={text}: not a time; write one like 2026-11-28T12:00:00Z") from None
    if time.tzinfo is None:
        raise CommandError(f"TIME={text}: of which time zone? Write {text}Z for UTC, or an offset like {text}+01:00")
    if time > datetime.now(UTC):
        raise CommandError(f"TIME={text} has not come yet; leave it out for the newest that there is")
    return time.timestamp()


def clock(seconds: float) -> str:
    """A moment, for people."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


def gap(target: Mapping[str, Any]) -> str:
    """What it means that WAL is missing on the way, for people."""
    return (
        f"WAL is missing from the archive, from {target['gap']} on. A restore to the newest ends there: what was archived after that is "
        "in no restored data."
    )


def archived(superuser: Superuser) -> bool:
    """Whether what was written until now is in the archive; waits for it for a while."""
    # Where nothing was written since the last switch, that is the beginning of a segment, which is not archived before it is full.
    [segment] = superuser.query("SELECT pg_walfile_name(pg_switch_wal() - 1)")
    # Names of history files, which are shorter, do not say what was archived.
    done = f"""
        SELECT last_archived_wal ~ '^[0-9A-F]{{24}}$' AND last_archived_wal COLLATE "C" >= '{segment}' FROM pg_stat_archiver
    """
    for second in range(_ARCHIVED):
        if superuser.query(done) == ["t"]:
            return True
        if second == _PATIENCE:
            click.echo(f"waiting until {segment} is archived, for {_ARCHIVED} s at most", err=True)
        superuser.query("SELECT pg_sleep(1)")
    return False


class Plan:
    """Asks a store that may not answer any more, or that may be another one by now."""

    def __init__(self, store: EventStore, superuser: Superuser, cluster: str, into: EventStore) -> None:
        """``cluster``: the identifier of the one that the backups are of; ``into``: the container that gets them."""
        self._store, self._superuser, self._into = store, superuser, into
        self.waiting = False
        """What was written last is not in the archive."""
        try:
            said = superuser.query("SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system())")
        except CommandError:
            said = []
        self.is_another = bool(said) and said[0].partition("|")[2] != cluster
        self.answers = bool(said) and said[0].startswith("f|") and not self.is_another

    def event(self, said: str) -> Event:
        """The event of a position or an id. Raises `CommandError`."""
        if not self.answers:
            raise CommandError(
                f"{self._store.name} does not answer, so nobody can say when the event was stored; restore to the newest first"
            )
        column = "global_position" if said.isdigit() else "event_id"
        cast = "bigint" if said.isdigit() else "uuid"
        rows = self._superuser.query(
            f"SELECT global_position, xmin, extract(epoch FROM created_at) FROM event_store.events "
            f"WHERE {column} = {quoted(said)}::{cast}"
        )
        if not rows:
            raise CommandError(f"BEFORE_EVENT={said}: {self._store.name} has no event with that {column}")
        position, xid, begun = rows[0].split("|")
        return Event(int(position), int(xid), float(begun))

    @property
    def _lost(self) -> str:
        """What becomes of what is not in the restored data."""
        return "be lost" if self._into is self._store else "not be there"

    def text(self, target: Mapping[str, Any], goes: str) -> str:
        """The plan. ``goes``: what a copy is restored over."""
        what = self._store.name if self._into is self._store else f"{self._into.name}, as a copy of {self._store.name},"
        lines = [f"{what} would be restored from backup {target['label']}, {self._where(target)}."]
        if self.waiting:
            lines.append(
                f"What was written last is not in the archive, and would {self._lost} as well: see the row archive of `make status`."
            )
        if self.is_another:
            lines.append(f"{self._store.name} has another cluster now, without anything that the backups have.")
        elif not self.answers:
            lines.append(f"{self._store.name} does not answer, so nobody can count.")
        if target["gap"]:
            lines.append(gap(target))
        elif target["lsn"] is None:
            lines.append(f"Nothing that was archived would {self._lost}.")
        elif not self.answers:
            lines.append(
                "The newest state that the backups have is restored aside first, in the repository's container, to read out which personal "
                f"data were erased, and which events would {self._lost}."
            )
        elif "next" not in target:
            lines.append(
                f"What would {self._lost} cannot be counted: what was running then is not in the archive any more."
            )
        else:
            lines += losses.counted(self._superuser, target, self._lost)
        if target["lsn"] and target["until"]:
            lines.append(
                f"The archive has WAL after that, up to {target['until']['lsn']}, {clock(target['until']['time'])}."
            )
        lines.append(
            "The data of before are kept beside it."
            if self._into is self._store
            else f"What {self._into.name} has, {goes}, makes way for that. {self._store.name} goes on."
        )
        return "\n".join(lines)

    @staticmethod
    def _where(target: Mapping[str, Any]) -> str:
        if target["event"]:
            return f"up to the commit of event {target['event'].position}, at {target['lsn']}"
        if target["point"]:
            return f"up to the restore point {target['point']}, at {target['lsn']}"
        if target["asked"] is None:
            return "with all WAL that was archived"
        time = clock(target["asked"])
        if target["lsn"] is None:
            return f"with all WAL that was archived: nothing was committed after {time}"
        return f"up to the first commit after {time}, at {target['lsn']}"
