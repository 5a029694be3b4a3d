"""`event-store drill`: is what the backups would give back a whole event store?"""

import json

import click

from deploy.commands import copies, options
from deploy.commands.errors import CommandError
from deploy.commands.inside import Inside, follow_backups, of_backups, repository_of
from deploy.model.inventory import make_settings, read_entries

_WELL_OR_NOT = (0, 2)


@click.command()
@options.inventory
@options.container
@click.option(
    "--copy", metavar="COPY", help="From a copy of the repository, by its name, or newest; the repository itself."
)
@click.option("--into", metavar="NAME", help='Another container of the inventory, with "copy_of", to do it in.')
def drill(inventory: str, container: str | None, copy: str | None, into: str | None) -> int:
    """Restore the newest backup of an event store into a scratch cluster beside its repository, check it, and remove it.

    Nothing of the event store itself is touched, nor of the copy whose container may have been named for it. Exit status 2:
    something is wrong with what was restored.
    """
    entries = read_entries(inventory)
    settings = make_settings(entries, inventory)
    if not into:
        store, repository = repository_of(settings, container)
        source = ["--copy", copy] if copy else []
        return follow_backups(entries, repository, inventory, "drill", *source, store.lxc_name)
    if copy:
        raise CommandError("copies of the repository are read in its own container; leave INTO or COPY out")
    target, source_store = copies.copy_of(settings, into, container)
    store, repository = repository_of(settings, source_store.name)
    status = follow_backups(entries, target, inventory, "drill", store.lxc_name)
    # Where the verdicts of all drills are.
    [said] = Inside(entries, target).run(of_backups("report", store.lxc_name))
    report = json.loads(said)[store.lxc_name]
    verdict = {"drill": report["drill"]} if status in _WELL_OR_NOT else {}
    verdicts = {**verdict, "failed-drill": report["failed-drill"]}
    records = {what: record and {**record, "where": target.lxc_name} for what, record in verdicts.items()}
    Inside(entries, repository).run(of_backups("remember", store.lxc_name, stdin=json.dumps(records)))
    return status
