"""`event-store verify`: the checks of what is deployed."""

import sys

import click

from deploy.commands import exits, options
from deploy.commands.child import run_child
from deploy.model.project import ROOT


@click.command(context_settings={"ignore_unknown_options": True})
@options.inventory
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def verify(inventory: str, pytest_arguments: tuple[str, ...]) -> int:
    """Check what is deployed, and its latency, with testinfra; changes nothing.

    PYTEST_ARGUMENTS are passed to pytest. Exit status 0: all checks pass; 2: one did not; 1: they could not be run.
    """
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "verify"), f"--inventory={inventory}"]
    status = run_child([*command, *pytest_arguments])
    return {0: exits.OK, 1: exits.DIFFERENT}.get(status, exits.FAILED)
