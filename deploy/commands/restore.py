"""`event-store restore`: an event store as it was, at the end of its archive, at a moment, or before an event."""

from pathlib import Path

import click

from deploy.commands import copies, exits, options
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.inside import repository_of
from deploy.commands.restore_plan import gap, moment
from deploy.commands.restoring import Restoring, pyinfra
from deploy.model.inventory import make_settings, read_entries


@click.command()
@options.inventory
@options.container
@click.option(
    "--confirm", metavar="NAME", help="The container whose data are replaced. Without it, only the plan is shown."
)
@click.option(
    "--into", metavar="NAME", help='Another container of the inventory, with "copy_of"; the event store itself goes on.'
)
@click.option("--time", metavar="TIME", help="As it was then, for example 2026-11-28T12:00:00Z. [default: the newest]")
@click.option("--point", metavar="NAME", help="As it was when `restore-point` gave it that name.")
@click.option(
    "--before-event", "event", metavar="EVENT", help="As it was before this event, by its position or its id."
)
@click.option(
    "--export",
    metavar="FILE",
    help="Record the restore in this file of exported seals, and add the new ones, as `export-seals` does.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Restore also up to where WAL is missing, and if nobody can find out which personal data were erased after that.",
)
def restore(
    inventory: str,
    container: str | None,
    confirm: str | None,
    into: str | None,
    export: str | None,
    *,
    force: bool,
    **said: str | None,
) -> int:
    """Restore an event store from its backups, in its place. The data of before are kept beside it until `discard`.

    First the plan: where that is, and what would be lost. Personal data that were erased after that are erased again.
    """
    entries = read_entries(inventory)
    settings = make_settings(entries, inventory)
    goes = ""
    if into:
        target_store, store = copies.copy_of(settings, into, container)
        copies.check_confirmation(confirm, target_store)
        store, repository = repository_of(settings, store.name)
        goes = copies.what_goes(inventory, entries, target_store)
    else:
        store, repository = repository_of(settings, container or confirm)
        if confirm and confirm not in (store.name, store.lxc_name):
            raise CommandError(
                f"nothing was touched: CONFIRM={confirm} is not {store.name}, which CONTAINER names; leave one out"
            )
        target_store = store
    time, point, event = said["time"], said["point"], said["event"]
    if sum(map(bool, said.values())) > 1:
        raise CommandError("say one of a time, a restore point and an event")
    if export and into:
        raise CommandError(f"EXPORT={export}: a copy is no history of the event store; leave it out")
    if export and not Path(export).is_file():
        raise CommandError(f"EXPORT={export}: there is no such file, so no seal in it can be lost; leave it out")
    restoring = Restoring(inventory, entries, store, repository, target_store)
    target = restoring.target(moment(time) if time else None, point, event)
    click.echo(restoring.plan.text(target, goes))
    if not confirm:
        again = f"restore INTO={into} CONFIRM={target_store.lxc_name}" if into else f"restore CONFIRM={store.lxc_name}"
        click.echo(f"Nothing was touched. `{options.make(again, inventory)}`, with the same target, does it.", err=True)
        return exits.FAILED
    if target["gap"] and not force:
        raise CommandError(f"nothing was touched: {gap(target)} FORCE=1 restores up to there")
    restoring.read_out(target, force=force)
    return restoring.run(target, export)


@click.command()
@options.inventory
@click.option("--confirm", metavar="NAME", required=True, help="The container.")
def discard(inventory: str, confirm: str) -> int:
    """Remove the data that restores have replaced in a container."""
    settings = make_settings(read_entries(inventory), inventory)
    store = choose_event_store(settings, confirm or "-")
    return exits.FAILED if pyinfra(inventory, "restore.py", store, "--data", "discard=yes") else exits.OK
