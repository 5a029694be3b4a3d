"""`event-store shell`: a shell in a container, as its root."""

import os
import sys
from typing import NoReturn

import click

from deploy.commands import options
from deploy.commands.connection import choose_container
from deploy.commands.inside import entering
from deploy.model.inventory import make_settings, read_entries

_LOGIN_SHELL = ("sh", "-c", "cd && exec bash -l")


@click.command()
@options.inventory
@options.container
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(inventory: str, container: str | None, command: tuple[str, ...]) -> NoReturn:
    """Enter a container as root, with a clean environment.

    With COMMAND, after --, run that in place of a shell. The exit status is the shell's or the command's.
    """
    entries = {entry.name: entry for entry in read_entries(inventory)}
    settings = make_settings(entries.values(), inventory)
    chosen = choose_container(settings, container)
    line = entering(entries, chosen, inventory, command or _LOGIN_SHELL, terminal=sys.stdin.isatty())
    os.execvp(line[0], line)  # noqa: S606  the terminal and the exit status are the shell's
