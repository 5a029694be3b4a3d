"""`event-store restore`: an event store as it was, at the end of its archive, at a moment, or before an event."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from deploy.commands import exits, options
from deploy.commands.child import run_child
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.inside import Inside, follow_backups, of_backups, repository_of
from deploy.commands.restore_plan import Plan, archived, moment
from deploy.commands.superuser import Superuser, quoted
from deploy.model.backup_repositories import BackupRepository
from deploy.model.event_stores import EventStore
from deploy.model.inventory import Entry, make_settings, read_entries
from deploy.model.private_files import replace
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
    END$$;
    SELECT fork FROM event_store.forks ORDER BY recorded_at DESC LIMIT 1
"""


@click.command()
@options.inventory
@options.container
@click.option(
    "--confirm", metavar="NAME", help="The container whose data are replaced. Without it, only the plan is shown."
)
@click.option("--time", metavar="TIME", help="As it was then, for example 2026-11-28T12:00:00Z. [default: the newest]")
@click.option("--point", metavar="NAME", help="As it was when `restore-point` gave it that name.")
@click.option(
    "--before-event", "event", metavar="EVENT", help="As it was before this event, by its position or its id."
)
def restore(inventory: str, container: str | None, confirm: str | None, **said: str | None) -> int:
    """Restore an event store from its backups, in its place. The data of before are kept beside it until `discard`.

    First the plan: where that is, and what would be lost. Personal data that were erased after that are erased again.
    """
    entries = read_entries(inventory)
    settings = make_settings(entries, inventory)
    store, repository = repository_of(settings, confirm or container)
    time, point, event = said["time"], said["point"], said["event"]
    if sum(map(bool, said.values())) > 1:
        raise CommandError("say one of a time, a restore point and an event")
    restoring = _Restoring(inventory, entries, store, repository)
    target = restoring.target(moment(time) if time else None, point, event)
    click.echo(restoring.plan(target))
    if not confirm:
        again = options.make(f"restore CONFIRM={store.lxc_name}", inventory)
        click.echo(f"Nothing was touched. `{again}`, with the same target, does it.", err=True)
        return exits.FAILED
    restoring.run(target)
    return exits.OK


@click.command()
@options.inventory
@click.option("--confirm", metavar="NAME", required=True, help="The container.")
def discard(inventory: str, confirm: str) -> int:
    """Remove the data that restores have replaced in a container."""
    settings = make_settings(read_entries(inventory), inventory)
    store = choose_event_store(settings, confirm or "-")
    return exits.FAILED if _pyinfra(inventory, "restore.py", store, "--data", "discard=yes") else exits.OK


class _Restoring:
    def __init__(self, file: str, entries: list[Entry], store: EventStore, repository: BackupRepository) -> None:
        self._file, self._store, self._repository, self._entries = file, store, repository, entries
        self._inside = Inside(entries, repository)
        self._superuser = Superuser(file, store)
        [said] = self._inside.run(of_backups("report", store.lxc_name))
        clusters = [str(one["system-id"]) for one in json.loads(said)[store.lxc_name]["info"].get("db", [])]
        self._plan = Plan(store, self._superuser, clusters[-1] if clusters else "")

    def target(self, time: float | None, point: str | None, event: str | None) -> dict[str, Any]:
        """Where it ends, as the program in the repository finds it."""
        self._archive_all()
        found = self._plan.event(event) if event else None
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
        if self._plan.answers and not archived(self._superuser):
            self._plan.waiting = True

    def plan(self, target: Mapping[str, Any]) -> str:
        """For people."""
        return self._plan.text(target)

    def run(self, target: Mapping[str, Any]) -> None:
        """Do it; what is said at the end is what there is to do."""
        self._keep_erasures()
        data = [word for name in _TOLD for word in ("--data", f"{name}={target[name] or ''}")]
        if _pyinfra(self._file, "restore.py", self._store, *data):
            raise CommandError(f"{self._store.name} was not restored; what is above says why")
        if _pyinfra(self._file, "__main__.py", self._store):
            raise CommandError(
                f"{self._store.name} is restored, and was not deployed after that; `{options.make('deploy', self._file)}`, "
                f"then restore again to the newest, which loses nothing, to have erased data erased again"
            )
        again = self._erase_again()
        # A backup of what was cut off is none of this history.
        if follow_backups(self._entries, self._repository, self._file, "backup", "incr", self._store.lxc_name):
            click.echo(f"It is not backed up yet; `{options.make('backup', self._file)}` makes a backup", err=True)
        forks = self._superuser.query(_FORK)
        click.echo(f"{self._store.name} is restored. {self._plan.now()}")
        if self._plan.answers:
            click.echo(f"{again} subjects were erased again" if again else "No erasure had to be repeated")
        else:
            click.echo("Whether personal data were erased after that is not known: nobody answered before the restore.")
        for fork in forks:
            export = options.make(f"export-seals FORK={fork} EXPORT=file", self._file)
            click.echo(
                f"Exported seals are of a lost history now, from fork {fork} on: `{export}` records that in the file."
            )
        click.echo(
            f"The data of before are kept; `{options.make(f'discard CONFIRM={self._store.lxc_name}', self._file)}` removes them."
        )

    @property
    def _erasures(self) -> Path:
        return ROOT / ".secrets" / f"{self._store.lxc_name}.erasures.json"

    def _keep_erasures(self) -> None:
        """All that is erased now, on this machine: a restore that is killed must not forget it."""
        if self._plan.answers:
            rows = self._superuser.query("SELECT subject_id || ' ' || reason FROM event_store.erasures")
            before = json.loads(self._erasures.read_text()) if self._erasures.exists() else []
            replace(self._erasures, json.dumps(sorted({*before, *rows})).encode())

    def _erase_again(self) -> int:
        kept: list[str] = json.loads(self._erasures.read_text()) if self._erasures.exists() else []
        erased = 0
        for subject, _, reason in (line.partition(" ") for line in kept):
            [done] = self._superuser.query(
                f"SELECT event_store.erase_subject('{subject}', {quoted(reason)}, 'restore', 'system', 'system')"
            )
            erased += done == "t"
        self._erasures.unlink(missing_ok=True)
        return erased


def _pyinfra(file: str, story: str, store: EventStore, *arguments: str) -> int:
    line = [sys.executable, "-m", "pyinfra", file, str(ROOT / "deploy" / story), "-y", "--limit", store.name]
    return run_child([*line, *arguments])
