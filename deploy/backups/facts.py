"""What there is of backups: in the repository, and on the side of the server that archives its WAL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.backups.config import PROGRAM
from deploy.machine.psql import AS_POSTGRES, fact_query, silence
from deploy.model.backups import CONFIGURATION


@dataclass(frozen=True)
class Stanza:
    """The backups of one event store."""

    there: bool = False
    """The repository knows the event store."""
    trouble: str = ""
    """What pgBackRest says of it, if it is not well and not only without backups."""
    backups: tuple[Mapping[str, Any], ...] = ()
    """As `pgbackrest info` describes them, the oldest first."""
    verified: Mapping[str, Any] | None = None
    """The record of the last time that everything was read: when (``at``), of which ``labels``, and its ``problems``."""

    drilled: Mapping[str, Any] | None = None
    """That of the last time that a backup was restored and checked, with what it took."""
    undrilled: Mapping[str, Any] | None = None
    """That of the last attempt, if it could not be made; with its ``problems``."""
    cut_off: tuple[Mapping[str, Any], ...] = ()
    """What restores have cut off, the earliest first: ``at``, ``fork``, ``from`` and ``until`` where, ``events``, their ``file``."""

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> "Stanza":
        """From a report of the program."""
        info = report["info"]
        status = info.get("status", {"code": _NO_STANZA, "message": ""})
        return cls(
            there=status["code"] not in (_NO_STANZA, _NO_DATA),
            trouble=status["message"] if status["code"] not in (_OK, _NO_STANZA, _NO_BACKUP, _NO_DATA) else "",
            backups=tuple(info.get("backup", ())),
            verified=report["verify"],
            drilled=report["drill"],
            undrilled=report["failed-drill"],
            cut_off=tuple((report.get("cut-off") or {}).get("histories", ())),
        )


# pgBackRest's codes of a stanza's status (src/command/info/info.c).
_OK, _NO_STANZA, _NO_BACKUP, _NO_DATA = range(4)


class StanzasFact(FactBase[dict[str, Stanza] | None]):
    """Event store → `Stanza`; None if it cannot be determined."""

    @staticmethod
    def default() -> dict[str, Stanza] | None:
        """A blank machine."""
        return None

    def command(self) -> str:
        """One JSON object, if the program is there and configured."""
        return f"[ ! -x {PROGRAM} ] || {AS_POSTGRES} {PROGRAM} report"

    def process(self, output: list[str]) -> dict[str, Stanza]:
        """See `command`."""
        return {name: Stanza.of(report) for name, report in json.loads("".join(output)).items()}


@dataclass(frozen=True)
class Archiver:
    """What a server says of its archive."""

    silence: str | None = "PostgreSQL is not installed there"
    """Why it does not answer, for people."""
    mode: str = "off"
    current: str = ""
    """The segment that is being written."""
    archived: str = ""
    """The last one that was archived; empty if none was since the statistics were reset."""
    failed: str = ""
    """One that could not be archived since then."""
    waiting: int = 0
    """How many are done and not archived."""
    seconds: float = 0
    """For how long the oldest of those has been waiting. pgBackRest tries for minutes before it calls that a failure."""


class ArchiverFact(FactBase[Archiver]):
    """See `Archiver`."""

    @staticmethod
    def default() -> Archiver:
        """A blank machine."""
        return Archiver()

    def command(self) -> str:
        """One JSON object."""
        return fact_query("""
            SELECT json_build_object(
                'mode', current_setting('archive_mode'),
                'current', CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_walfile_name(pg_current_wal_lsn()) END,
                'archived', coalesce(last_archived_wal, ''),
                'failed', CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')
                               THEN last_failed_wal ELSE '' END,
                'waiting', ready.count, 'seconds', ready.seconds)
              FROM pg_stat_archiver, (
                   SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(modification)), 0) AS seconds
                     FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS ready
        """)

    def process(self, output: list[str]) -> Archiver:
        """One JSON object, or a word that says why not."""
        if why := silence(output):
            return Archiver(silence=why)
        return Archiver(silence=None, **json.loads("".join(output)))


class ForeignBackups(FactBase[str]):
    """The identifier of the cluster that the repository has backups of under an event store's name, if it is another one."""

    @staticmethod
    def default() -> str:
        """None."""
        return ""

    def command(self, stanza: str, data: str, programs: str) -> StringCommand:
        """The own identifier, then what the repository knows; nothing where there is no cluster or no repository yet."""
        own = StringCommand(
            f"{programs}/pg_controldata", QuoteString(data), "2>/dev/null | sed -n 's/^Database system id[^:]*: *//p'"
        )
        said = StringCommand(
            f"{AS_POSTGRES} pgbackrest", QuoteString(f"--stanza={stanza}"), "--output=json info 2>/dev/null"
        )
        return StringCommand(f"[ ! -f {CONFIGURATION} ] || {{ cd /; LC_ALL=C", own, "; timeout 20", said, "|| true; }")

    def process(self, output: list[str]) -> str:
        """See `command`."""
        own, said = output[0], "".join(output[1:])
        known = [str(entry["system-id"]) for one in json.loads(said) for entry in one.get("db", ())] if said else []
        return known[-1] if own.isdigit() and known and known[-1] != own else ""


class Calendar(FactBase[str]):
    """What systemd says against times of a timer; empty if nothing."""

    @staticmethod
    def default() -> str:
        """Nothing."""
        return ""

    def command(self, times: list[str]) -> StringCommand:
        """One line for each that it does not understand."""
        words = StringCommand(*map(QuoteString, times))
        return StringCommand(
            "for time in",
            words,
            '; do systemd-analyze calendar --iterations=1 -- "$time" > /dev/null 2>&1 || echo "$time"; done',
        )

    def process(self, output: list[str]) -> str:
        """See `command`."""
        return ", ".join(map(repr, output))
