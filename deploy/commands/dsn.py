"""`event-store dsn`: how the application connects, alone on standard output."""

import click

from deploy.commands import connection, options
from deploy.commands.dsn_formats import FORMATS
from deploy.commands.running import run_old_path
from deploy.model.inventory import read_inventory


@click.command()
@options.inventory
@options.container
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMATS]),
    default="uri",
    show_default=True,
    help="The driver's own way to write it; docs/drivers.md has one for each driver.",
)
def dsn(inventory: str, container: str | None, form: str) -> None:
    """Print the application's libpq URI, or what another driver reads.

    The password is in it, so it is printed nowhere else.
    """
    settings = read_inventory(inventory)
    click.echo(FORMATS[form](connection.way_in(connection.choose_event_store(settings, container), settings)))


if __name__ == "__main__":
    run_old_path(dsn, "--inventory", "--container")
