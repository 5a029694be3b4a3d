"""`make retire BEFORE=date EXPORT=folder`: exports the events that are older, then deletes them from the store.

Nothing is deleted that is not in a file on this machine's disk: each stretch is read back from there, hashed, and the
store compares the hash with what it is about to delete. A run that was killed has deleted what it said, and the next one
exports the rest to a file of its own.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyinfra.api.exceptions import PyinfraError

from deploy.commands.archive import events_of, merkle_root
from deploy.commands.connection import arguments
from deploy.commands.superuser import Superuser, quoted
from deploy.model.inventory import SettingsError

#: Events for one transaction: the readers of the feed wait for it.
_EVENTS: Final = 10_000


@dataclass(frozen=True)
class Stretch:
    """Seals that leave together, and their lines in the file."""

    first: int
    last: int
    lines: int


def main(before: str, folder: str) -> None:
    """Export, then retire."""
    if not before or not folder:
        raise SettingsError("say BEFORE=date and EXPORT=folder: events before that date go to a file in that folder")
    settings, container = arguments()
    store = Superuser(settings.file, container)
    stretches = list(_stretches(store, before))
    if not stretches:
        print(
            f"No seal of {container.name} has only events from before {before} that are older than the store's retention."
        )
        return
    first, last = stretches[0].first, stretches[-1].last
    path = Path(folder).resolve() / f"{container.lxc_name}-seals-{first}-{last}.jsonl"
    _export(store, stretches, path)
    print(f"Exported seals {first} to {last} to {path}")
    events = 0
    with path.open("rb") as archive:
        for stretch in stretches:
            lines = [archive.readline().removesuffix(b"\n") for _ in range(stretch.lines)]
            root = merkle_root(events_of(lines)).hex()
            [count] = store.query(f"""
                SELECT event_store.retire_events({stretch.first}, {stretch.last}, decode('{root}', 'hex'), {quoted(str(path))})
            """)
            events += int(count)
            print(f"Retired seals {stretch.first} to {stretch.last}: {count} events", flush=True)
    print(f"{events} events have left {container.name}. Keep {path}: it is their only place now.")


def _stretches(store: Superuser, before: str) -> Iterator[Stretch]:
    first, size, seals = 0, 0, 0
    last = 0
    for line in store.query(
        f"SELECT seal, event_count FROM event_store.retirable_seals({quoted(before)}::timestamptz)"
    ):
        seal, count = map(int, line.split("|"))
        if seals and size + count > _EVENTS:
            yield Stretch(first, last, size + seals)
            size, seals = 0, 0
        first = first if seals else seal
        last, size, seals = seal, size + count, seals + 1
    if seals:
        yield Stretch(first, last, size + seals)


def _export(store: Superuser, stretches: list[Stretch], path: Path) -> None:
    """The whole file or none, and on the disk."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        for stretch in stretches:
            for line in store.query(f"SELECT event_store.export_events({stretch.first}, {stretch.last})"):
                out.write(f"{line}\n".encode())
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


if __name__ == "__main__":
    try:
        main(sys.argv[3], sys.argv[4])
    except (PyinfraError, OSError) as error:
        sys.exit(str(error))
