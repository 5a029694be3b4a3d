"""`event-store drill`: is what the backups would give back a whole event store?"""

import click

from deploy.commands import options
from deploy.commands.inside import follow_backups, repository_of
from deploy.model.inventory import make_settings, read_entries


@click.command()
@options.inventory
@options.container
@click.option(
    "--copy", metavar="COPY", help="From a copy of the repository, by its name, or newest; the repository itself."
)
def drill(inventory: str, container: str | None, copy: str | None) -> int:
    """Restore the newest backup of an event store into a scratch cluster beside its repository, check it, and remove it.

    Nothing of the event store itself is touched. Exit status 2: something is wrong with what was restored.
    """
    entries = read_entries(inventory)
    store, repository = repository_of(make_settings(entries, inventory), container)
    source = ["--copy", copy] if copy else []
    return follow_backups(entries, repository, inventory, "drill", *source, store.lxc_name)
