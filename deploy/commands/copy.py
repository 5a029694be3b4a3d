"""`event-store copy` and `restore-repository`: copies of a repository that no container can write."""

import click

from deploy.backups.config import PROGRAM as BACKUPS
from deploy.backups.copies.config import PROGRAM as COPIES
from deploy.backups.copies.facts import CopiesFact
from deploy.commands import options
from deploy.commands.child import run_child
from deploy.commands.errors import CommandError
from deploy.commands.inside import entering, on_host, repository_of
from deploy.commands.machines import Machines
from deploy.machine.questions import Ask
from deploy.model.backup_repositories import BackupRepository
from deploy.model.event_stores import EventStore
from deploy.model.inventory import Entry, make_settings, read_entries
from deploy.model.settings import Settings


@click.command()
@options.inventory
@options.container
def copy(inventory: str, container: str | None) -> int:
    """Copy the repository of an event store now, to where neither container can write, and have the copy verified.

    Exit status 2: something is wrong with the copy. It is kept apart, and no older one is removed.
    """
    entries = read_entries(inventory)
    _, repository = _copied(make_settings(entries, inventory), container)
    command = [COPIES, "copy", repository.lxc_name]
    return run_child(on_host({entry.name: entry for entry in entries}, repository.lxc_host, command))


@click.command("restore-repository")
@options.inventory
@options.container
@click.option("--confirm", metavar="NAME", help="The name of the repository's container.")
@click.option("--copy", "name", metavar="COPY", help="Which copy.")
def restore_repository(inventory: str, container: str | None, confirm: str | None, name: str | None) -> int:
    """Put a copy in the place of the repository of an event store. Without its name, list the copies that there are.

    What the repository has now is kept beside it. The event store is not touched: restore that afterwards, or make a backup.
    """
    entries = read_entries(inventory)
    store, repository = _copied(make_settings(entries, inventory), container)
    if confirm and confirm not in (repository.lxc_name, repository.name):
        raise CommandError(
            f"nothing was touched: {confirm} is not the repository of {store.name}, which is {repository.lxc_name}"
        )
    if not (confirm and name):
        raise CommandError(_offer(entries, repository, inventory))
    command = [BACKUPS, "put-back", "--copy", name]
    status = run_child(entering({entry.name: entry for entry in entries}, repository, inventory, command))
    if status == 0:
        click.echo(
            f"If {store.name} is well, `{options.make('backup TYPE=full', inventory)}`, because WAL may be missing between the copy and "
            f"now. If it is not, `{options.make('restore', inventory)}` says what can be restored."
        )
    return status


def _copied(settings: Settings, container: str | None) -> tuple[EventStore, BackupRepository]:
    """An event store, and the repository of its backups. Raises `CommandError` if nothing copies that."""
    store, repository = repository_of(settings, container)
    if not repository.is_copied:
        raise CommandError(
            f"{repository.name} is in a bucket (s3_bucket), where its host cannot copy it; keep versions there, or lock them"
        )
    return store, repository


def _offer(entries: list[Entry], repository: BackupRepository, file: str) -> str:
    asks = {"copies": [Ask(CopiesFact, repository=repository.lxc_name)]}
    told = Machines(entries).ask({repository.lxc_host: asks})[repository.lxc_host]
    [copies] = told.facts.get("copies") or [None]
    if copies is None:
        raise CommandError(told.unreached or f"{repository.lxc_host} does not say which copies there are")
    names = "\n  ".join(copies.names) or "none"
    line = options.make(f"restore-repository CONFIRM={repository.lxc_name} COPY=name", file)
    return f"There are these copies of {repository.lxc_name}:\n  {names}\nNothing was touched; `{line}` puts one in its place"
