"""`event-store retire`: exports old events to a file, then deletes them from the store.

Nothing is deleted that is not in a file on this machine's disk: each stretch is read back from there, hashed, and the
store compares the hash with what it is about to delete. A run that was killed has deleted what it said, and the next one
exports the rest to a file of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from deploy.commands import options
from deploy.commands.archive import events_of, file_name, merkle_root, new_file
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.progress import progress
from deploy.commands.running import run_old_path
from deploy.commands.superuser import Superuser, quoted
from deploy.model.inventory import read_inventory

#: Events for one transaction: vacuum waits for it, and who reads under REPEATABLE READ.
_EVENTS: Final = 10_000


@dataclass(frozen=True)
class Stretch:
    """Seals that leave together, their lines in the file, and how many of these are events."""

    first: int
    last: int
    lines: int
    events: int


@click.command()
@options.inventory
@options.container
@click.option("--before", metavar="DATE", required=True, help="Events from before that date.")
@click.option("--export", metavar="FOLDER", required=True, help="Where the file with them goes.")
def retire(inventory: str, container: str | None, before: str, export: str) -> None:
    """Export old events to a file, then delete them from the store."""
    if not before or not export:
        raise CommandError(
            "say --before DATE and --export FOLDER (BEFORE=date EXPORT=folder to make): events before that date go to a file in "
            "that folder"
        )
    settings = read_inventory(inventory)
    chosen = choose_event_store(settings, container)
    store = Superuser(settings.file, chosen)
    stretches = list(_stretches(store, before))
    if not stretches:
        click.echo(
            f"No seal of {chosen.name} has only events from before {before} that are older than the store's retention."
        )
        return
    first, last = stretches[0].first, stretches[-1].last
    [last_hash] = store.query(f"SELECT encode(hash, 'hex') FROM event_store.seals WHERE seal = {last}")
    path = Path(export).resolve() / file_name(chosen.lxc_name, first, last, last_hash)
    _export(store, stretches, path)
    click.echo(f"Exported seals {first} to {last} to {path}")
    events = 0
    with path.open("rb") as archive, progress("retiring events", sum(one.events for one in stretches)) as advance:
        for stretch in stretches:
            lines = [archive.readline().removesuffix(b"\n") for _ in range(stretch.lines)]
            root = merkle_root(events_of(lines)).hex()
            [count] = store.query(f"""
                SELECT event_store.retire_events({stretch.first}, {stretch.last}, decode('{root}', 'hex'), {quoted(str(path))})
            """)
            events += int(count)
            print(f"Retired seals {stretch.first} to {stretch.last}: {count} events")
            advance(stretch.events)
    click.echo(f"{events} events have left {chosen.name}. Keep {path}: it is their only place now.")


def _stretches(store: Superuser, before: str) -> Iterator[Stretch]:
    first, size, seals = 0, 0, 0
    last = 0
    for line in store.query(
        f"SELECT seal, event_count FROM event_store.retirable_seals({quoted(before)}::timestamptz)"
    ):
        seal, count = map(int, line.split("|"))
        if seals and size + count > _EVENTS:
            yield Stretch(first, last, size + seals, size)
            size, seals = 0, 0
        first = first if seals else seal
        last, size, seals = seal, size + count, seals + 1
    if seals:
        yield Stretch(first, last, size + seals, size)


def _export(store: Superuser, stretches: list[Stretch], path: Path) -> None:
    with new_file(path) as out, progress("exporting events", sum(one.events for one in stretches)) as advance:
        for stretch in stretches:
            for line in store.query(f"SELECT event_store.export_events({stretch.first}, {stretch.last})"):
                out.write(f"{line}\n".encode())
            advance(stretch.events)


if __name__ == "__main__":
    run_old_path(retire, "--inventory", "--container", "--before", "--export")
