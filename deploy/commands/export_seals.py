"""`event-store export-seals`: adds the new seals to a file, if the store still has those that are in it.

Keep the file where nobody who can write to the store can write: only against it is a history found that was rewritten
with its seals.
"""

import os
import shutil
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from deploy.commands import exits, options
from deploy.commands.archive import last_seal
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.progress import progress
from deploy.commands.superuser import Superuser
from deploy.model.inventory import read_inventory

#: Seals for one statement.
_SEALS: Final = 10_000


@click.command("export-seals")
@options.inventory
@options.container
@click.option("--export", metavar="FILE", required=True, help="The seals go to its end.")
@click.option(
    "--fork",
    metavar="ID",
    type=click.UUID,
    help="Record in the file that the store was restored there, or that another server has taken over.",
)
def export_seals(inventory: str, container: str | None, export: str, fork: UUID | None) -> int:
    """Add the new seals to a file, to be kept elsewhere.

    Exit status 2: the store has not got what is in the file; nothing is written then.
    """
    if not export:
        raise CommandError("say --export FILE (EXPORT=file to make): the seals go to its end")
    settings = read_inventory(inventory)
    store = choose_event_store(settings, container)
    return extend(Superuser(settings.file, store), store.name, Path(export), fork)


def extend(superuser: Superuser, store: str, path: Path, fork: UUID | None) -> int:
    """Add the new seals to a file, and the record of a fork before them; returns the exit status, and says what that means."""
    new = path.with_name(f"{path.name}.new")
    seal = 0
    if path.exists():
        shutil.copyfile(path, new)
        if fork:
            _record(superuser, new, fork)
        problems = list(superuser.compare(new if fork else path))
        for problem in problems:
            click.echo(problem)
        if problems:
            new.unlink()
            click.echo(f"{len(problems)} problem(s): {store} is not the store that was exported; nothing was written.")
            return exits.DIFFERENT
        seal = last_seal(new)
    elif fork:
        raise CommandError(f"{path} is not there, so there is no seal in it that the store could have lost")
    written = _append(superuser, new, seal)
    new.replace(path)
    click.echo(f"{path}: {written} new seals, {seal + written} in all, of event store {store}")
    return exits.OK


def _record(store: Superuser, path: Path, fork: UUID) -> None:
    """Write the record of a fork to the end of a file."""
    line = store.query(f"SELECT event_store.fork_line(f) FROM event_store.forks f WHERE fork = '{fork}'")
    if not line:
        raise CommandError(f"the store has no fork {fork}; `SELECT * FROM event_store.forks` lists them")
    with path.open("ab") as out:
        out.write(f"{line[0]}\n".encode())


def _append(store: Superuser, path: Path, seal: int) -> int:
    """Write the seals after ``seal`` to the end of a file, and to the disk; returns how many."""
    first = seal
    [total] = map(int, store.query(f"SELECT count(*) FROM event_store.seals WHERE seal > {first}"))
    with path.open("ab") as out, progress("exporting seals", total) as advance:
        while lines := store.query(f"SELECT event_store.export_seals({seal + 1}, {seal + _SEALS})"):
            out.write("".join(f"{line}\n" for line in lines).encode())
            seal += len(lines)
            advance(len(lines))
        out.flush()
        os.fsync(out.fileno())
    return seal - first
