"""`event-store summary`, which is the end of `make deploy` as well: what is declared, and how to connect to it."""

import click

from deploy.commands import options, output
from deploy.commands.connection import address_of, login_of
from deploy.commands.running import run_old_path
from deploy.model.containers import Container
from deploy.model.event_stores import DATABASE, PORT, EventStore
from deploy.model.inventory import read_inventory
from deploy.model.settings import Settings


@click.command()
@options.inventory
@options.as_json
def summary(inventory: str, as_json: bool) -> None:
    """Say what the inventory declares, and how to connect to it; no password. Nothing is asked: see status."""
    settings = read_inventory(inventory)
    if as_json:
        output.document([_facts(container, settings) for container in settings.containers.values()])
    else:
        show(settings)


def show(settings: Settings) -> None:
    """One paragraph for each container."""
    for container in settings.containers.values():
        click.echo(
            f"\n{container.kind.capitalize()} {container.name}: {container.software} on Debian {container.release}, "
            f"{container.memory // 1024**2} MiB, {container.cpus} CPUs"
        )
        if isinstance(container, EventStore):
            _show_ways_in(container, settings)


def _show_ways_in(store: EventStore, settings: Settings) -> None:
    choice = "" if len(settings.event_stores) == 1 else f" CONTAINER={store.lxc_name}"
    click.echo(
        f"  address   {address_of(store, settings)}:{PORT}\n"
        f"  database  {DATABASE}, role {login_of(store, settings)}\n"
        f"  connect   {options.make('psql', settings.file)}{choice}\n"
        f"  check     {options.make('verify', settings.file)}" + (f"\n  {store.warning}" if store.warning else "")
    )
    if store.copy_of:
        click.echo(f"  A COPY of {store.copy_of}, for `make restore INTO={store.lxc_name}`: no worker, no archive")


def _facts(container: Container, settings: Settings) -> dict[str, object]:
    facts: dict[str, object] = {
        "name": container.name,
        "kind": container.kind,
        "release": container.release,
        "memory": container.memory,
        "cpus": container.cpus,
        "address": address_of(container, settings),
    }
    if isinstance(container, EventStore):
        role = login_of(container, settings)
        facts |= {
            "postgresql": container.version,
            "port": PORT,
            "database": DATABASE,
            "role": role,
            "copy_of": container.copy_of,
        }
    return facts


if __name__ == "__main__":
    run_old_path(summary, "--inventory")
