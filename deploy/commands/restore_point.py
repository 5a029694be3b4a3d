"""`event-store restore-point`: give the present a name that a restore can go back to."""

import click

from deploy.commands import options
from deploy.commands.errors import CommandError
from deploy.commands.inside import Inside, of_backups, repository_of
from deploy.commands.restore_plan import archived
from deploy.commands.superuser import Superuser, quoted
from deploy.model.inventory import make_settings, read_entries


@click.command("restore-point")
@options.inventory
@options.container
@click.option("--name", metavar="NAME", required=True, help="For example before-the-import.")
def restore_point(inventory: str, container: str | None, name: str) -> None:
    """Name the present state of an event store, for `restore --point`."""
    if not 0 < len(name.encode()) < 64 or not name.isprintable():
        raise CommandError(f"NAME={name}: a name has 1 to 63 printable characters")
    entries = read_entries(inventory)
    settings = make_settings(entries, inventory)
    store, repository = repository_of(settings, container)
    # Behind the point there has to be something, or recovery would not stop there; and it is archived now.
    superuser = Superuser(settings.file, store)
    [row] = superuser.query(
        f"SELECT pg_create_restore_point({quoted(name)}), (SELECT timeline FROM event_store.server_state())"
    )
    lsn, timeline = row.split("|")
    if not archived(superuser):
        raise CommandError(
            f"{store.name}: what is written is not archived, so nothing could go back there; see `make status`"
        )
    Inside(entries, repository).run(
        of_backups("point", "--name", name, "--lsn", lsn, "--timeline", timeline, store.lxc_name)
    )
    click.echo(
        f"{store.name}: {name} is {lsn}; `{options.make('restore', inventory)}` goes back there with POINT={name}"
    )
