"""What a restore would give, and what would be lost, in events and aggregates, by what the store has now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click

from deploy.commands.errors import CommandError
from deploy.commands.superuser import Superuser, quoted
from deploy.model.event_stores import EventStore

#: Seconds to wait until what was written last is archived: after three failures PostgreSQL tries again after a minute.
_ARCHIVED: Final = 150
#: Seconds after which that is said.
_PATIENCE: Final = 5
#: Seconds that a transaction may have lasted: an event has the time at which its transaction began.
_LONGEST: Final = 7 * 86_400


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

    def __init__(self, store: EventStore, superuser: Superuser, cluster: str) -> None:
        """``cluster``: the identifier of the one that the backups are of."""
        self._store, self._superuser = store, superuser
        self.waiting = False
        """What was written last is not in the archive."""
        try:
            said = superuser.query("SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system())")
        except CommandError:
            said = []
        self._is_another = bool(said) and said[0].partition("|")[2] != cluster
        self.answers = bool(said) and said[0].startswith("f|") and not self._is_another

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

    def text(self, target: Mapping[str, Any]) -> str:
        """The plan."""
        lines = [f"{self._store.name} would be restored from backup {target['label']}, {self._where(target)}."]
        if self.waiting:
            lines.append(
                "What was written last is not in the archive, and would be lost as well: see the row archive of `make status`."
            )
        if self._is_another:
            lines.append("The container has another cluster now, without anything that the backups have.")
        elif not self.answers:
            lines.append(
                "What would be lost is not known: the store does not answer. Neither is known which personal data were erased after "
                "that; restore to the newest first, if that may matter."
            )
        elif target["lsn"] is None:
            lines.append("Nothing that was archived would be lost.")
        elif "next" not in target:
            lines.append("What would be lost cannot be counted: what was running then is not in the archive any more.")
        else:
            lines += self._losses(target)
        lines.append("The data of before are kept beside it.")
        return "\n".join(lines)

    @staticmethod
    def _where(target: Mapping[str, Any]) -> str:
        if target["event"]:
            return f"up to the commit of event {target['event'].position}, at {target['lsn']}"
        if target["point"]:
            return f"up to the restore point {target['point']}, at {target['lsn']}"
        if target["asked"] is None:
            return "with all WAL that was archived"
        time = f"{datetime.fromtimestamp(target['asked'], UTC):%Y-%m-%d %H:%M:%S}Z"
        if target["lsn"] is None:
            return f"with all WAL that was archived: nothing was committed after {time}"
        return f"up to the first commit after {time}, at {target['lsn']}"

    def _losses(self, target: Mapping[str, Any]) -> list[str]:
        reached = target["time"] or 0
        xid, of_next = "xmin::text::bigint", int(target["next"])
        # Ids are handed out in circles of 2^32; half of a circle behind the next one have been.
        handed_out_later = f"mod({xid} - {of_next} + 4294967296, 4294967296) < 2147483648"
        lost = f"({handed_out_later} OR {_is_in(xid, target['running'])}) AND NOT {_is_in(xid, target['committed'])}"
        [row] = self._superuser.query(f"""
            WITH lost AS MATERIALIZED (
                SELECT e.global_position, e.aggregate_type, e.aggregate_id, e.event_version, e.created_at
                  FROM event_store.events e
                 WHERE e.created_at >= to_timestamp({reached - _LONGEST}) AND {lost})
            SELECT (SELECT count(*) FROM lost),
                   (SELECT count(*) FROM (SELECT DISTINCT aggregate_type, aggregate_id FROM lost) AS touched),
                   (SELECT count(*) FROM lost WHERE event_version = 1),
                   (SELECT count(*) FROM event_store.events),
                   (SELECT count(*) FROM event_store.events e WHERE e.global_position > (SELECT min(global_position) FROM lost)
                       AND NOT EXISTS (SELECT FROM lost l WHERE l.global_position = e.global_position)),
                   (SELECT count(*) FROM lost WHERE global_position < {target["event"].position if target["event"] else 0}),
                   coalesce((SELECT to_char(min(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM lost), ''),
                   coalesce((SELECT to_char(max(created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM lost), '')
        """)
        events, aggregates, created, total, stay, go, first, last = row.split("|")
        lines = [f"{int(total) - int(events):,} of {int(total):,} events would be there."]
        if int(events):
            lines.append(
                f"{int(events):,} events of {int(aggregates):,} aggregates would be lost, {int(created):,} of which began after that; "
                f"they were stored from {first}Z to {last}Z."
            )
        if int(stay):
            lines.append(
                f"{int(stay):,} events with higher positions than one of these were committed before, and stay."
            )
        if int(go):
            lines.append(
                f"{int(go):,} events with lower positions are of the same transaction or of later ones, and go as well."
            )
        return lines

    def now(self) -> str:
        """What there is."""
        [row] = self._superuser.query("SELECT count(*), coalesce(max(global_position), 0) FROM event_store.events")
        count, last = row.split("|")
        return f"It has {int(count):,} events, the last one at position {last}."


def _is_in(value: str, numbers: list[int]) -> str:
    return f"{value} = ANY ('{{{','.join(map(str, numbers))}}}'::bigint[])"
