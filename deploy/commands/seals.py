"""`make seals`: are the events what was sealed? Exit status 0: yes; 2: no, and what is not; 1: could not be told.

`make export-seals`: adds the new seals to a file, after looking whether the store still has those that are in it. Keep the
file where nobody who can write to the store can write: only against it is a history found that was rewritten with its seals.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from pyinfra.api.exceptions import PyinfraError

from deploy.commands.archive import SEAL_LINE
from deploy.commands.connection import arguments
from deploy.commands.superuser import Superuser
from deploy.model.inventory import SettingsError

#: Seals for one statement: a million events at most.
_SEALS: Final = 100


def main(action: str, export: str) -> int:
    """Look, or look and export; returns the exit status."""
    if action == "export" and not export:
        raise SettingsError("say EXPORT=file: the seals go to its end")
    settings, container = arguments()
    store = Superuser(settings.file, container)
    path = Path(export)
    if action == "export":
        return _export(store, path, container.name)
    problems = _verify(store, container.name)
    if export:
        problems += _compare(store, path)
    print("The events are what was sealed." if not problems else f"{problems} problem(s).")
    return 2 if problems else 0


def _verify(store: Superuser, name: str) -> int:
    [counts] = store.query(
        "SELECT count(*), coalesce(max(seal), 0), coalesce(sum(event_count), 0) FROM event_store.seals"
    )
    seals, last, events = map(int, counts.split("|"))
    print(f"Event store {name}: {seals} seals over {events} events")
    for line in store.query("""
        SELECT format('Retired: seals %s to %s, %s events, at %s by %s, exported to %s', from_seal, to_seal, event_count,
                      date_trunc('second', retired_at), retired_by, exported_to)
          FROM event_store.retirements ORDER BY to_seal
    """):
        print(line)
    problems = 0
    for first in range(1, max(last, 1) + 1, _SEALS):
        # The last piece goes to the end of the feed.
        until = "NULL" if first + _SEALS > last else str(first + _SEALS - 1)
        for line in store.query(f"""
            SELECT concat_ws(', ', 'seal ' || seal, 'transaction ' || transaction_id, 'position ' || global_position,
                             'event ' || event_id) || ': ' || kind || ' (' || detail || ')'
              FROM event_store.verify_seals({first}, {until})
        """):
            print(line)
            problems += 1
    return problems


def _compare(store: Superuser, path: Path) -> int:
    problems = 0
    with path.open("rb") as lines:
        for problem in store.verify_export(lines):
            print(f"{path}: {problem}")
            problems += 1
    return problems


def _export(store: Superuser, path: Path, name: str) -> int:
    new = path.with_name(f"{path.name}.new")
    seal = 0
    if path.exists():
        if problems := _compare(store, path):
            print(f"{problems} problem(s): {name} is not the store that was exported; nothing was written.")
            return 2
        shutil.copyfile(path, new)
        last_line = path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
        if last_line and not last_line.startswith(SEAL_LINE):
            raise SettingsError(f"{path} holds events: name a file for the seals alone")
        seal = int(json.loads(last_line)["seal"]) if last_line else 0
    before = seal
    with new.open("ab") as out:
        while lines := store.query(f"SELECT event_store.export_seals({seal + 1}, {seal + 10_000})"):
            out.write("".join(f"{line}\n" for line in lines).encode())
            seal += len(lines)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)
    print(f"{path}: {seal - before} new seals, {seal} in all, of event store {name}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else ""))
    except (PyinfraError, OSError) as error:
        sys.exit(str(error))
