"""`event-store drift`: is everything as declared?"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import click

from deploy.commands import exits, options, output
from deploy.commands.running import run_old_path
from deploy.machine.differences import MARK
from deploy.model.inventory import SettingsError

_LINE = re.compile(r"\[(?P<host>[^\]]+)\]\s*" + re.escape(MARK) + r"(?P<text>.*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@click.command()
@options.inventory
@options.as_json
def drift(inventory: str, as_json: bool) -> int:
    """Compare what is deployed with what is declared; changes nothing.

    Exit status 0: no drift; 2: drift, listed by machine and object; 1: could not be determined.
    """
    operations, objects = _differences(inventory)
    if as_json:
        output.document({host: {"operations": operations[host], "differences": objects[host]} for host in operations})
    else:
        for host, names in operations.items():
            click.echo(f"{host}: {len(names)} operation(s) would change something: {', '.join(names)}")
            click.echo("".join(f"  {text}\n" for text in objects[host]), nl=False)
        if not operations:
            click.echo(f"No drift: {inventory} is deployed as declared.")
    return exits.DIFFERENT if operations else exits.OK


def _differences(file: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """By machine: the operations that would change something, and what differs. Raises `SettingsError`."""
    if not Path(file).is_file():
        raise SettingsError(f"Drift cannot be determined: {file}: no such inventory file")
    command = [sys.executable, "-m", "pyinfra", file, "deploy/", "--dry", "--diff", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        plan = json.loads(done.stdout)["plan"] if done.returncode == 0 else None
    except ValueError:
        plan = None
    if plan is None:
        raise SettingsError(f"Drift of {file} cannot be determined:\n{done.stderr}")
    operations: dict[str, list[str]] = defaultdict(list)
    for operation in plan:
        for host in (*operation["hosts_with_change"], *operation["hosts_with_conditional_change"]):
            operations[host].append(operation["name"])
    objects: dict[str, list[str]] = defaultdict(list)
    for line in done.stderr.splitlines():
        if match := _LINE.search(_COLOUR.sub("", line)):
            objects[match["host"]].append(match["text"])
    return operations, objects


if __name__ == "__main__":
    run_old_path(drift, "--inventory")
