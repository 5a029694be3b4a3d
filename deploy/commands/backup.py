"""`event-store backup` and `backups`: make a backup now; see which there are."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click

from deploy.backups.facts import Stanza
from deploy.commands import options, output
from deploy.commands.errors import CommandError
from deploy.commands.inside import Inside, follow_backups, of_backups, repository_of
from deploy.commands.superuser import Superuser
from deploy.model.event_stores import EventStore
from deploy.model.inventory import make_settings, read_entries

_TYPES: Final = {"full": "full", "differential": "diff", "incremental": "incr"}
_NAMES: Final = {short: name for name, short in _TYPES.items()}
_MIB: Final = 1024**2


@click.command()
@options.inventory
@options.container
@click.option(
    "--type", "kind", type=click.Choice([*_TYPES]), default="incremental", show_default=True, help="Its type."
)
def backup(inventory: str, container: str | None, kind: str) -> int:
    """Make a backup of an event store now, beside those of the schedule."""
    entries = read_entries(inventory)
    store, repository = repository_of(make_settings(entries, inventory), container)
    return follow_backups(entries, repository, inventory, "backup", _TYPES[kind], store.lxc_name)


@click.command()
@options.inventory
@options.container
@options.as_json
def backups(inventory: str, container: str | None, as_json: bool) -> None:
    """List the backups of an event store.

    Events and the last of them are those that were sealed when a backup began, so it has at least these. They are not known
    if the event store does not answer.
    """
    entries = read_entries(inventory)
    settings = make_settings(entries, inventory)
    store, repository = repository_of(settings, container)
    [said] = Inside(entries, repository).run(of_backups("report", store.lxc_name))
    stanza = Stanza.of(json.loads(said)[store.lxc_name])
    sealed = _sealed(settings.file, store, stanza)
    rows = [_row(one, stanza, sealed.get(one["label"])) for one in stanza.backups]
    if as_json:
        output.document(
            {"store": store.name, "repository": repository.name, "backups": rows, "cut off": list(stanza.cut_off)}
        )
        return
    if not rows:
        raise CommandError(f"{store.name} is not backed up; `{options.make('backup', inventory)}` makes a backup")
    output.table([*rows[0]], [["" if value is None else value for value in row.values()] for row in rows])
    for one in stanza.cut_off:
        click.echo(_cut_off(one))


def _cut_off(one: Mapping[str, Any]) -> str:
    """One history that a restore has cut off."""
    events = "an unknown number of events" if one["events"] is None else f"{one['events']:,} events"
    until = f" up to {one['until']['lsn']}, {_time(int(one['until']['time']))}," if one["until"] else ""
    where = f"; they are in {one['file']}" if one["file"] else ""
    return f"Cut off by the restore at {_time(one['at'])} (fork {one['fork']}): the WAL from {one['from']} on,{until} with {events}{where}"


def _row(backup: Mapping[str, Any], stanza: Stanza, sealed: tuple[int, int] | None) -> dict[str, Any]:
    checked = stanza.verified
    verified = checked["at"] if checked and backup["label"] in checked["labels"] and not checked["problems"] else None
    events, last = sealed or (None, None)
    return {
        "label": backup["label"],
        "type": _NAMES[backup["type"]],
        "finished": _time(backup["timestamp"]["stop"]),
        "seconds": backup["timestamp"]["stop"] - backup["timestamp"]["start"],
        "MiB": -(-backup["info"]["size"] // _MIB),
        "kept MiB": -(-backup["info"]["repository"]["delta"] // _MIB),
        "WAL from": backup["archive"]["start"],
        "WAL to": backup["archive"]["stop"],
        "events": events,
        "last position": last,
        "verified": _time(verified) if verified else None,
    }


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"


def _sealed(file: str, store: EventStore, stanza: Stanza) -> dict[str, tuple[int, int]]:
    """Label → how many events were sealed when the backup began, and the position of the last one."""
    begun = {one["label"]: int(one["timestamp"]["start"]) for one in stanza.backups}
    if not begun:
        return {}
    values = ", ".join(f"('{label}', to_timestamp({start}))" for label, start in begun.items())
    query = f"""
        SELECT label, coalesce(sum(s.event_count), 0), coalesce(max(s.last_position), 0)
          FROM (VALUES {values}) AS backup(label, begun)
          LEFT JOIN event_store.seals s ON s.sealed_at < begun
         GROUP BY label
    """
    try:
        lines = Superuser(file, store).query(query)
    except CommandError:
        return {}
    found = (line.split("|") for line in lines)
    return {label: (int(events), int(last)) for label, events, last in found}
