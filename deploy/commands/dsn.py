"""`event-store dsn`: how the application connects, alone on standard output."""

import click

from deploy.commands import connection, options
from deploy.commands.dsn_formats import FORMATS
from deploy.commands.running import run_old_path
from deploy.model.inventory import read_inventory
from deploy.model.pooling import knows_prepared_statements

#: What a client behind Debian 12's PgBouncer has to know.
UNPREPARED = (
    "warning: this PgBouncer gives clients that prepare statements each other's rows; switch prepared statements off in your "
    "driver, see docs/operations/pooling.md"
)


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
@click.option("--trust", metavar="FILE", default="", help="Where the client has the file of `event-store trust`.")
@click.option(
    "--client", metavar="FOLDER", default="", help="Where the client has what `event-store certificate` wrote."
)
@click.option("--pooled", is_flag=True, help="By way of PgBouncer, where the inventory declares it.")
def dsn(inventory: str, container: str | None, form: str, trust: str, client: str, *, pooled: bool) -> None:
    """Print the application's libpq URI, or what another driver reads.

    The password is in it, so it is printed nowhere else.
    """
    settings = read_inventory(inventory)
    store = connection.choose_event_store(settings, container)
    way = connection.pooled_way_in if pooled else connection.way_in
    click.echo(FORMATS[form](way(store, settings, trust, client)))
    if store.copy_of:
        click.echo(f"warning: {store.name} is a copy of {store.copy_of}, not the event store itself", err=True)
    if pooled and not knows_prepared_statements(store.release):
        click.echo(UNPREPARED, err=True)


if __name__ == "__main__":
    run_old_path(dsn, "--inventory", "--container")
