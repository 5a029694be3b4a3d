"""`event-store drill`: is what the backups would give back a whole event store?"""

import click

from deploy.commands import options
from deploy.commands.inside import Inside, of_backups, repository_of
from deploy.model.inventory import make_settings, read_entries


@click.command()
@options.inventory
@options.container
def drill(inventory: str, container: str | None) -> None:
    """Restore the newest backup of an event store into a scratch cluster beside its repository, check it, and remove it.

    Nothing of the event store itself is touched.
    """
    entries = read_entries(inventory)
    store, repository = repository_of(make_settings(entries, inventory), container)
    Inside(entries, repository).run(of_backups("drill", store.lxc_name), show=True)
    click.echo(f"{store.name}: `{options.make('status', inventory)}` says what it took")
