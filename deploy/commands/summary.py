"""`event-store summary`, which is the end of `make deploy` as well: what exists now, and how to connect to it."""

import click

from deploy.commands import options, output
from deploy.commands.connection import address_of
from deploy.commands.running import run_old_path
from deploy.model.event_stores import APPLICATION_ROLE, DATABASE, PORT, EventStore
from deploy.model.inventory import read_inventory
from deploy.model.settings import Settings


@click.command()
@options.inventory
@options.as_json
def summary(inventory: str, as_json: bool) -> None:
    """Say what is deployed, and how to connect to it; no password."""
    settings = read_inventory(inventory)
    if as_json:
        output.document([_facts(store, settings) for store in settings.event_stores])
    else:
        show(settings)


def show(settings: Settings) -> None:
    """One paragraph for each event store."""
    for store in settings.event_stores:
        choice = "" if len(settings.event_stores) == 1 else f" CONTAINER={store.lxc_name}"
        click.echo(
            f"\nEvent store {store.name} is up: PostgreSQL {store.version} on Debian {store.release}, "
            f"{store.memory // 1024**2} MiB, {store.cpus} CPUs\n"
            f"  address   {address_of(store, settings)}:{PORT}\n"
            f"  database  {DATABASE}, role {APPLICATION_ROLE}\n"
            f'  connect   psql "$({options.make("-s dsn", settings.file)}{choice})"\n'
            f"  check     {options.make('verify', settings.file)}" + (f"\n  {store.warning}" if store.warning else "")
        )


def _facts(store: EventStore, settings: Settings) -> dict[str, object]:
    return {
        "name": store.name,
        "postgresql": store.version,
        "release": store.release,
        "memory": store.memory,
        "cpus": store.cpus,
        "address": address_of(store, settings),
        "port": PORT,
        "database": DATABASE,
        "role": APPLICATION_ROLE,
    }


if __name__ == "__main__":
    run_old_path(summary, "--inventory")
