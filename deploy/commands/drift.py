"""`event-store drift`: is everything as declared?"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from deploy.commands import exits, options, output
from deploy.commands.errors import CommandError
from deploy.commands.running import run_old_path
from deploy.machine.records import VARIABLE, Difference, recorded_in
from deploy.model.project import ROOT


@dataclass(frozen=True)
class Drift:
    """What a deploy would change on one machine."""

    operations: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


@click.command()
@options.inventory
@options.as_json
def drift(inventory: str, as_json: bool) -> int:
    """Compare what is deployed with what is declared; changes nothing.

    Exit status 0: no drift; 2: drift, listed by machine and object; 1: could not be determined.
    """
    machines = drift_of(inventory)
    if as_json:
        output.document({machine: asdict(found) for machine, found in machines.items()})
    else:
        for machine, found in machines.items():
            names = ", ".join(found.operations)
            click.echo(f"{machine}: {len(found.operations)} operation(s) would change something: {names}")
            for difference in found.differences:
                for line in (str(difference), *difference.lines):
                    click.echo(f"  {line}")
        if not machines:
            click.echo(f"No drift: {inventory} is deployed as declared.")
    return exits.DIFFERENT if machines else exits.OK


def drift_of(file: str) -> dict[str, Drift]:
    """Machine → what differs, for the machines of an inventory that are not as declared.

    Raises `CommandError` if that cannot be determined, and `SettingsError` if an inventory without machines is the reason.
    """
    if not Path(file).is_file():
        raise CommandError(f"Drift cannot be determined: {file}: no such inventory file")
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "differences"
        recorded.touch(mode=0o600)
        command = [sys.executable, "-m", "pyinfra", file, str(ROOT / "deploy" / "__main__.py"), "--dry", "--json"]
        environment = os.environ | {VARIABLE: str(recorded)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        differences = recorded_in(recorded)
    try:
        plan = json.loads(done.stdout)["plan"] if done.returncode == 0 else None
    except (ValueError, LookupError):
        plan = None
    if plan is None:
        raise CommandError(f"Drift of {file} cannot be determined:\n{done.stderr}")
    if not plan:
        # pyinfra is content with an inventory that has no machines, and the deploy did not run to say what is wrong. To
        # load what reads it takes as long as all else here, so not before it is needed.
        from deploy.model.inventory import read_inventory

        read_inventory(file)
        raise CommandError(f"Drift of {file} cannot be determined: no machine was looked at")
    machines: dict[str, Drift] = {}
    for operation in plan:
        for host in (*operation["hosts_with_change"], *operation["hosts_with_conditional_change"]):
            machine = machines.setdefault(host, Drift(differences=differences.get(host, [])))
            machine.operations.append(operation["name"])
    return machines


if __name__ == "__main__":
    run_old_path(drift, "--inventory")
