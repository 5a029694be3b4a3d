"""Restores an event store, step by step: where it ends, what is read out before, the data, and what follows."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from deploy.commands import exits, losses, options
from deploy.commands.child import run_child
from deploy.commands.erasures import Erasures
from deploy.commands.errors import CommandError
from deploy.commands.export_seals import extend
from deploy.commands.inside import Inside, follow_backups, lines_of, of_backups
from deploy.commands.restore_plan import Plan, archived
from deploy.commands.superuser import Superuser
from deploy.machine.psql import psql_once
from deploy.model.backup_repositories import BackupRepository
from deploy.model.containers import Container
from deploy.model.event_stores import DATABASE, EventStore
from deploy.model.inventory import Entry
from deploy.model.project import ROOT

#: What the server's side is told.
_TOLD: Final = ("label", "bytes", "timeline", "lsn")
#: The fork that the restored history began with. The worker records it a moment after the start of the server.
_FORK: Final = """
    DO $$BEGIN
        FOR attempt IN 1..300 LOOP
            EXIT WHEN event_store.due_fork() IS NULL;
            PERFORM pg_sleep(0.1);
        END LOOP;
        IF event_store.due_fork() IS NOT NULL THEN
            RAISE EXCEPTION 'the worker has not recorded yet that a history begins; see its row in make status';
        END IF;
    END$$;
    SELECT fork FROM event_store.forks ORDER BY recorded_at DESC LIMIT 1
"""


class Restoring:
    """``into``: the container that gets the data, which is the event store itself or a copy of it."""

    def __init__(
        self, file: str, entries: list[Entry], store: EventStore, repository: BackupRepository, into: EventStore
    ) -> None:
        self._file, self._entries, self._store, self._repository = file, entries, store, repository
        self._into, self._erasures = into, Erasures(into)
        self._lost, self._file_of_lost, self._forced = 0, losses.file_for(store), False
        self._inside = Inside(entries, repository)
        self._superuser = Superuser(file, store)
        [said] = self._inside.run(of_backups("report", store.lxc_name))
        report = json.loads(said)[store.lxc_name]
        clusters = [str(one["system-id"]) for one in report["info"].get("db", [])]
        self._cut_off = (report.get("cut-off") or {}).get("histories", [])
        self.plan = Plan(store, self._superuser, clusters[-1] if clusters else "", into)

    def target(self, time: float | None, point: str | None, event: str | None) -> dict[str, Any]:
        """Where it ends, as the program in the repository finds it."""
        self._archive_all()
        found = self.plan.event(event) if event else None
        arguments = [] if time is None else ["--time", str(time)]
        if point:
            arguments = ["--point", point]
        if found:
            arguments = ["--time", str(found.begun), "--xid", str(found.xid)]
        [said] = self._inside.run(of_backups("target", *arguments, self._store.lxc_name))
        target: dict[str, Any] = json.loads(said)
        return target | {"event": found, "asked": time, "point": point}

    def _archive_all(self) -> None:
        """What was written last is searched as well, if the server is there to say it."""
        if self.plan.answers and not archived(self._superuser):
            self.plan.waiting = True

    def read_out(self, target: Mapping[str, Any], *, force: bool) -> None:
        """Keep what the restored data will not know, by the event store itself, or else by the newest that the backups have."""
        in_place = self._into is self._store
        sql = losses.read_out(target, with_events=in_place)
        if self.plan.answers:
            asked: Container = self._store
            command = psql_once(sql, database=DATABASE)
        elif target["lsn"] is None:
            return  # The newest has all of it.
        else:
            asked = self._repository
            command = of_backups("newest", self._store.lxc_name, stdin=sql)
        try:
            erased, self._lost = losses.sort_out(
                lines_of(self._entries, asked, self._file, command), self._file_of_lost
            )
        except CommandError as error:
            if self.plan.answers:
                raise
            if not force:
                raise CommandError(
                    f"{error}\nNothing was touched: which personal data were erased after that cannot be found out. FORCE=1 restores "
                    "nevertheless; they can be read again then"
                ) from None
            self._forced = True
        else:
            self._erasures.keep(erased)

    def run(self, target: Mapping[str, Any], export: str | None) -> int:
        """Do it; what is said at the end is what there is to do. Returns the exit status."""
        data = [word for name in _TOLD for word in ("--data", f"{name}={target[name] or ''}")]
        if pyinfra(self._file, "restore.py", self._into, *data):
            raise CommandError(f"{self._into.name} was not restored; what is above says why")
        if pyinfra(self._file, "__main__.py", self._into):
            raise CommandError(
                f"{self._into.name} is restored, and was not deployed after that; `{options.make('deploy', self._file)}`, "
                f"then restore again to the newest, which loses nothing, to have erased data erased again"
            )
        restored = Superuser(self._file, self._into)
        again = self._erasures.repeat(restored)
        click.echo(f"{self._into.name} is restored. {_now(restored)}")
        if self._forced:
            click.echo("Whether personal data were erased after that is not known: nobody could be asked.")
        else:
            click.echo(f"{again} subjects were erased again" if again else "No erasure had to be repeated")
        if self._into is self._store:
            return self._go_on(target, export)
        click.echo(f"It is a copy of {self._store.name}: it has no worker, archives nothing, and is not backed up.")
        return exits.OK

    def _go_on(self, target: Mapping[str, Any], export: str | None) -> int:
        [fork] = self._superuser.query(_FORK)
        if target["lsn"]:
            self._remember(target, fork)
        status = exits.OK
        # A backup of what was cut off is none of this history.
        if follow_backups(self._entries, self._repository, self._file, "backup", "incr", self._store.lxc_name):
            click.echo(f"It is not backed up yet; `{options.make('backup', self._file)}` makes a backup", err=True)
            status = exits.DIFFERENT
        if self._lost:
            click.echo(
                f"{self._lost:,} events of the lost history are in {self._file_of_lost}, which only you can read."
            )
        if export:
            status = extend(self._superuser, self._store.name, Path(export), UUID(fork)) or status
        else:
            command = options.make(f"export-seals FORK={fork} EXPORT=file", self._file)
            click.echo(
                f"Exported seals are of a lost history now, from fork {fork} on: `{command}` records that in the file."
            )
        click.echo(
            f"The data of before are kept; `{options.make(f'discard CONFIRM={self._store.lxc_name}', self._file)}` removes them."
        )
        return status

    def _remember(self, target: Mapping[str, Any], fork: str) -> None:
        """What is in the archive and is none of this history any more, as long as its WAL is kept."""
        record = {
            "at": int(time.time()),
            "fork": fork,
            "from": target["lsn"],
            "until": target["until"],
            "events": None if self._forced else self._lost if self._lost or losses.condition(target) else None,
            "file": str(self._file_of_lost) if self._lost else None,
        }
        said = json.dumps({"cut-off": {"histories": [*self._cut_off, record]}})
        self._inside.run(of_backups("remember", self._store.lxc_name, stdin=said))


def _now(superuser: Superuser) -> str:
    [row] = superuser.query("SELECT count(*), coalesce(max(global_position), 0) FROM event_store.events")
    count, last = row.split("|")
    return f"It has {int(count):,} events, the last one at position {last}."


def pyinfra(file: str, story: str, store: EventStore, *arguments: str) -> int:
    """Run a story of the deploy for one container; returns its exit status."""
    line = [sys.executable, "-m", "pyinfra", file, str(ROOT / "deploy" / story), "-y", "--limit", store.name]
    return run_child([*line, *arguments])
