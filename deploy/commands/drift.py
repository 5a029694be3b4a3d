"""`make drift`: is everything as declared? Exit status 0: yes; 2: no, and what differs; 1: could not be told."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from deploy.machine.differences import MARK

_LINE = re.compile(r"\[(?P<host>[^\]]+)\]\s*" + re.escape(MARK) + r"(?P<text>.*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main(file: str) -> int:
    """Make the plan, and read from it what would change where."""
    if not Path(file).is_file():
        print(f"Could not tell: {file}: no such inventory file", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "pyinfra", file, "deploy/", "--dry", "--diff", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        plan = json.loads(done.stdout)["plan"] if done.returncode == 0 else None
    except ValueError:
        plan = None
    if plan is None:
        print(f"Could not tell whether {file} has drifted:\n{done.stderr}", file=sys.stderr)
        return 1
    operations: dict[str, list[str]] = defaultdict(list)
    for operation in plan:
        for host in (*operation["hosts_with_change"], *operation["hosts_with_conditional_change"]):
            operations[host].append(operation["name"])
    objects: dict[str, list[str]] = defaultdict(list)
    for line in done.stderr.splitlines():
        if match := _LINE.search(_COLOUR.sub("", line)):
            objects[match["host"]].append(match["text"])
    for host, names in operations.items():
        print(f"{host}: {len(names)} operation(s) would change something: {', '.join(names)}")
        print("".join(f"  {text}\n" for text in objects[host]), end="")
    if not operations:
        print(f"No drift: {file} is deployed as declared.")
    return 2 if operations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
