"""`make drift`: is everything as declared? Exit status 0: yes; 2: no, and what differs; 1: it cannot be determined."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from deploy.machine.differences import VARIABLE, Difference, recorded_in
from deploy.model.inventory import SettingsError


@dataclass(frozen=True)
class Drift:
    """What a deploy would change on one machine."""

    operations: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


def drift_of(file: str) -> dict[str, Drift]:
    """Machine → what differs, for the machines of an inventory that are not as declared. Raises `SettingsError`."""
    if not Path(file).is_file():
        raise SettingsError(f"{file}: no such inventory file")
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "differences"
        recorded.touch(mode=0o600)
        command = [sys.executable, "-m", "pyinfra", file, "deploy/", "--dry", "--json"]
        environment = os.environ | {VARIABLE: str(recorded)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        differences = recorded_in(recorded)
    try:
        plan = json.loads(done.stdout)["plan"] if done.returncode == 0 else None
    except ValueError:
        plan = None
    if plan is None:
        raise SettingsError(done.stderr)
    machines: dict[str, Drift] = {}
    for operation in plan:
        for host in (*operation["hosts_with_change"], *operation["hosts_with_conditional_change"]):
            machine = machines.setdefault(host, Drift(differences=differences.get(host, [])))
            machine.operations.append(operation["name"])
    return machines


def main(file: str) -> int:
    """Print what differs, one line for each object."""
    try:
        machines = drift_of(file)
    except SettingsError as error:
        print(f"Cannot determine whether {file} has drifted: {error}", file=sys.stderr)
        return 1
    for host, drift in machines.items():
        print(f"{host}: {len(drift.operations)} operation(s) would change something: {', '.join(drift.operations)}")
        for difference in drift.differences:
            print("".join(f"  {line}\n" for line in (str(difference), *difference.lines)), end="")
    if not machines:
        print(f"No drift: {file} is deployed as declared.")
    return 2 if machines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
