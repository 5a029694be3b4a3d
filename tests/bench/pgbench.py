"""pgbench as the load generator of all stores: a C program whose own cost is small, and the same for each of them."""

import re
import subprocess
from dataclasses import dataclass

from examples.portfolio import AGGREGATE_TYPE

from .stores.base import Store, payload

_FOUND = {
    "processed": re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE),
    "refused": re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE),
    "per_second": re.compile(r"^tps = ([\d.]+) ", re.MULTILINE),
}


@dataclass(frozen=True)
class Load:
    """What one run of pgbench has done."""

    #: Transactions that were acknowledged.
    processed: int
    #: Transactions that failed with a serialization failure: how scripts say "version conflict".
    refused: int
    per_second: float


def pgbench(store: Store, script: str, *, clients: int, seconds: float, **variables: str | int) -> Load:
    """Run ``script`` as prepared statements for some seconds; every script has :type and :payload."""
    # -n: no vacuum of pgbench's own tables, which are not there. The script comes in as a file, for pgbench reads no pipe.
    server = store.server
    command = [server.pgbench_program(), "-n", "-M", "prepared", "-c", str(clients), "-T", str(max(round(seconds), 1))]
    # A thread for each client: while one of them prepares a statement, others of its thread could not release their locks.
    command += ["-j", str(clients)]
    for name, value in {"type": AGGREGATE_TYPE, "payload": payload(), **store.variables, **variables}.items():
        command += ["-D", f"{name}={value}"]
    # Conflicts are errors in some scripts and none in the store that they are of: nobody pays for a line in the log.
    options = f"PGOPTIONS=-c log_min_messages=fatal{f' -c role={store.role}' if store.role else ''}"
    run = 'script=$(mktemp) && cat > "$script" && "$@" -f "$script"; status=$?; rm "$script"; exit $status'
    done = subprocess.run(
        [*server.beside_the_server(store.database), options, "sh", "-c", run, "sh", *command],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"pgbench gave {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    found = {name: pattern.search(done.stdout) for name, pattern in _FOUND.items()}
    numbers = {name: float(match[1]) if match else 0.0 for name, match in found.items()}
    return Load(int(numbers["processed"]), int(numbers["refused"]), numbers["per_second"])
