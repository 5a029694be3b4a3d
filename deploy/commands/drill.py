"""`event-store drill`: is what the backups would give back a whole event store?"""

import click

from deploy.commands import options
from deploy.commands.inside import follow_backups, repository_of
from deploy.model.inventory import make_settings, read_entries


@click.command()
@options.inventory
@options.container
def drill(inventory: str, container: str | None) -> int:
    """Restore the newest backup of an event store into a scratch cluster beside its repository, check it, and remove it.

    Nothing of the event store itself is touched. Exit status 2: something is wrong with what was restored.
    """
    entries = read_entries(inventory)
    store, repository = repository_of(make_settings(entries, inventory), container)
    return follow_backups(entries, repository, inventory, "drill", store.lxc_name)
