"""`event-store shell`: a shell in a container, as its root."""

import os
import shlex
import sys
from typing import NoReturn

import click

from deploy.commands import options
from deploy.commands.connection import choose_container
from deploy.machine import openssh
from deploy.machine.connectors.attach import ENVIRONMENT
from deploy.model.inventory import make_settings, read_entries

_LOGIN_SHELL = ("sh", "-c", "cd && exec bash -l")
#: On the LXC host, as root: name, file of the inventory, command.
_SCRIPT = """
name=$1 file=$2; shift 2
[ "$(lxc-info -sH -n "$name" 2>/dev/null)" = RUNNING ] || {
    echo "container $name is not running, or you are not root here; \\`make deploy INVENTORY=$file\\` starts it" >&2; exit 1
}
exec lxc-attach -n "$name" --clear-env "$@"
"""


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
    host, data = chosen.lxc_host, entries[chosen.lxc_host].data
    openssh.check(host, data)
    variables = [
        word for one in (*ENVIRONMENT, f"TERM={os.environ.get('TERM', 'dumb')}") for word in ("--set-var", one)
    ]
    attach = ["sh", "-c", _SCRIPT, "shell", chosen.lxc_name, inventory, *variables, "--", *(command or _LOGIN_SHELL)]
    line = ["sudo", *attach] if data.get("_sudo") else attach
    if host != "@local":
        terminal = ["-t"] if sys.stdin.isatty() else []
        line = ["ssh", *terminal, *openssh.options(data), openssh.destination(host, data), shlex.join(line)]
    os.execvp(line[0], line)  # noqa: S606  the terminal and the exit status are the shell's
