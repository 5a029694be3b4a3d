"""`event-store deploy`, `plan`, `rollback`, `destroy`: what pyinfra's own command line does, with the same options."""

import os
import sys

import click

from deploy.commands import exits, options, summary
from deploy.commands.child import run_child
from deploy.model.inventory import read_inventory
from deploy.model.project import ROOT
from deploy.model.settings import Settings

_arguments = click.argument("pyinfra_arguments", nargs=-1, type=click.UNPROCESSED)


def _run(file: str, deploy: str, *arguments: str) -> int:
    # pyinfra's own status for a command line that cannot be understood is 2, which means drift here.
    command = [sys.executable, "-m", "pyinfra", file, str(ROOT / "deploy" / deploy), *arguments]
    return exits.FAILED if run_child(command) else exits.OK


@click.command(context_settings={"ignore_unknown_options": True})
@options.inventory
@_arguments
def deploy(inventory: str, pyinfra_arguments: tuple[str, ...]) -> int:
    """Bring everything in the inventory to what it declares; again after any change.

    PYINFRA_ARGUMENTS are passed to pyinfra, for example --limit @lxc/stock-analysis.
    """
    settings = read_inventory(inventory)
    if "--dry" not in pyinfra_arguments:
        _have_authority(settings)
    if status := _run(inventory, "__main__.py", "-y", *pyinfra_arguments):
        return status
    given = {argument.partition("=")[0] for argument in pyinfra_arguments}
    if not {"--json", "--dry", "--limit"} & given:  # nothing but JSON, or not everything is up
        summary.show(settings)
    return exits.OK


def _have_authority(settings: Settings) -> None:
    """Make the authority of an inventory that needs one and has none, if its passphrase is there: as `make ca` does."""
    if not any(one.identities for one in settings.containers.values()):
        return
    # What reads certificates takes its time to load.
    from deploy.certificates.keys import PASSPHRASE
    from deploy.commands import ca
    from deploy.commands.authorities import authorities_of

    if PASSPHRASE in os.environ and not authorities_of(settings).exist:
        ca.make(settings.file, ())


@click.command(context_settings={"ignore_unknown_options": True})
@options.inventory
@_arguments
def plan(inventory: str, pyinfra_arguments: tuple[str, ...]) -> int:
    """Show what a deploy would change, with differences; changes nothing."""
    read_inventory(inventory)  # pyinfra is content with an inventory that has no machines
    return _run(inventory, "__main__.py", "--dry", "--diff", *pyinfra_arguments)


@click.command()
@options.inventory
@click.option("--to", metavar="NNNN", required=True, help="The migration that is the last one afterwards.")
@click.option("--lose", metavar="TABLE,TABLE", default="", help="Tables whose rows may be lost.")
def rollback(inventory: str, to: str, lose: str) -> int:
    """Take migrations back, one by one."""
    return _run(inventory, "rollback.py", "-y", "--data", f"to={to}", "--data", f"lose={lose}")


@click.command()
@options.inventory
@click.option("--confirm", metavar="NAME", required=True, help="The container to remove.")
@click.option(
    "--volumes",
    type=click.Choice(["keep", "delete"]),
    default="keep",
    show_default=True,
    help="What becomes of its data.",
)
def destroy(inventory: str, confirm: str, volumes: str) -> int:
    """Remove one container; its data volume stays unless its deletion is asked for."""
    return _run(inventory, "destroy.py", "-y", "--data", f"confirm={confirm}", "--data", f"volumes={volumes}")
