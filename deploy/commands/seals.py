"""`event-store seals`: are the events what was sealed?"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from deploy.commands import exits, options, output
from deploy.commands.archive import holds_events, seals_in
from deploy.commands.connection import choose_event_store
from deploy.commands.export_seals import export_seals
from deploy.commands.progress import progress
from deploy.commands.running import run_old_path
from deploy.commands.superuser import Superuser, quoted
from deploy.model.inventory import read_inventory

#: Seals for one statement: a million events at most.
_SEALS: Final = 100


@click.command()
@options.inventory
@options.container
@click.option("--compare", metavar="FILE", help="Compare the store with this file of exported seals as well.")
@click.option(
    "--archive", metavar="FILE", help="Compare it with this file of retired events, none of which may be missing."
)
@options.as_json
def seals(inventory: str, container: str | None, compare: str | None, archive: str | None, as_json: bool) -> int:
    """Verify that the events are what was sealed.

    Exit status 0: they are; 2: they are not, and what differs; 1: could not be determined.
    """
    settings = read_inventory(inventory)
    store = choose_event_store(settings, container)
    say = (lambda _: None) if as_json else print
    superuser = Superuser(settings.file, store)
    counts = _counts(superuser)
    say(f"Event store {store.name}: {counts['seals']} seals over {counts['events']} events")
    retired = _retirements(superuser)
    for line in retired:
        say(line)
    problems = list[str]()
    for problem in _problems(superuser, counts["last"], compare, archive):
        say(problem)
        problems.append(problem)
    if as_json:
        output.document({"name": store.name, **counts, "retired": retired, "problems": problems})
    else:
        say(f"{len(problems)} problem(s)." if problems else "The events are what was sealed.")
    return exits.DIFFERENT if problems else exits.OK


def _counts(store: Superuser) -> dict[str, Any]:
    [line] = store.query(
        "SELECT count(*), coalesce(max(seal), 0), coalesce(sum(event_count), 0) FROM event_store.seals"
    )
    return dict(zip(("seals", "last", "events"), map(int, line.split("|")), strict=True))


def _retirements(store: Superuser) -> list[str]:
    return store.query("""
        SELECT format('Retired: seals %s to %s, %s events, at %s by %s, exported to %s', from_seal, to_seal, event_count,
                      date_trunc('second', retired_at), retired_by, exported_to)
          FROM event_store.retirements ORDER BY to_seal
    """)


def _problems(store: Superuser, last: int, compare_with: str | None, archive: str | None) -> Iterator[str]:
    with progress("verifying seals", last) as advance:
        for first in range(1, max(last, 1) + 1, _SEALS):
            # The last piece goes to the end of the feed.
            until = "NULL" if first + _SEALS > last else str(first + _SEALS - 1)
            yield from store.query(f"""
                SELECT concat_ws(', ', 'seal ' || seal, 'transaction ' || transaction_id, 'position ' || global_position,
                                 'event ' || event_id) || ': ' || kind || ' (' || detail || ')'
                  FROM event_store.verify_seals({first}, {until})
            """)
            advance(min(_SEALS, last - first + 1))
    if compare_with:
        yield from _compare(store, Path(compare_with), is_archive=False)
    if archive:
        yield from _compare(store, Path(archive), is_archive=True)


def _compare(store: Superuser, path: Path, *, is_archive: bool) -> Iterator[str]:
    """Also a file that was not said to be an archive is one, if it has an event or the store has retired seals to it."""
    held, is_archive = seals_in(path), is_archive or holds_events(path)
    # An archive may have got another name, so it is known by what it holds. An export of the seals alone holds retired
    # ones as well, and need not go up to the last of them.
    held_here = f"ARRAY{sorted(held) if is_archive else []}::bigint[]"
    retired = store.query(f"""
        SELECT generate_series(r.from_seal, r.to_seal) FROM event_store.retirements r
         WHERE regexp_replace(r.exported_to, '^.*/', '') = {quoted(path.name)}
            OR r.exported_to IN (SELECT o.exported_to FROM event_store.retirements o
                                   JOIN unnest({held_here}) AS h (seal) ON h.seal BETWEEN o.from_seal AND o.to_seal)
    """)
    yield from store.compare(path, with_events=is_archive or bool(retired))
    if is_archive and not held:
        yield f"{path}: no seal has a line in it: nothing is left of the archive"
    for seal in sorted(set(map(int, retired)) - held):
        yield f"{path}: seal {seal}: seal missing (it was retired to this file, and has no line in it)"


if __name__ == "__main__":
    # INVENTORY CONTAINER verify|export [EXPORT]
    action = sys.argv.pop(3) if len(sys.argv) > 3 else ""
    if action == "export":
        run_old_path(export_seals, "--inventory", "--container", "--export")
    if action != "verify":
        click.echo(f"{action!r} is neither verify nor export", err=True)
        sys.exit(exits.USAGE)
    run_old_path(seals, "--inventory", "--container", "--compare")
