"""`event-store dsn`: the application's libpq URI, alone on standard output."""

import click

from deploy.commands import connection, options
from deploy.commands.running import run_old_path
from deploy.model.inventory import read_inventory


@click.command()
@options.inventory
@options.container
def dsn(inventory: str, container: str | None) -> None:
    """Print the application's libpq URI.

    The password is in it, so it is printed nowhere else.
    """
    settings = read_inventory(inventory)
    click.echo(connection.dsn(connection.choose_event_store(settings, container), settings))


if __name__ == "__main__":
    run_old_path(dsn, "--inventory", "--container")
