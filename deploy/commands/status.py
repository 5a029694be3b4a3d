"""`event-store status`: how everything is. It changes nothing, and needs nothing but what a deploy leaves."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import click

from deploy.backups.copies import status as copies
from deploy.commands import options, output
from deploy.commands.machines import Machines, Told
from deploy.lxc import status as lxc
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State, Status, defaults, unknown
from deploy.model.backup_repositories import BackupRepository
from deploy.model.containers import Container
from deploy.model.inventory import make_settings, read_entries
from deploy.model.settings import Settings
from deploy.parts import PARTS

_STYLES: Final = {State.WELL: "green", State.UNKNOWN: "magenta", State.DEGRADED: "yellow", State.DOWN: "red"}


@click.command()
@options.inventory
@options.as_json
def status(inventory: str, as_json: bool) -> int:
    """Show how every host, container, cluster, worker, projection and subscription is.

    Exit status, that of the worst row: 0 well; 1 could not be determined; 2 degraded; 3 down.
    """
    entries = read_entries(inventory)
    rows = look(make_settings(entries, inventory), Machines(entries))
    worst = max(row.state for row in rows)
    if as_json:
        output.document({"state": str(worst), "rows": [{**vars(row), "state": str(row.state)} for row in rows]})
    else:
        cells = [(row.kind, row.name, str(row.state), row.detail) for row in rows]
        output.table(("kind", "name", "state", "detail"), cells, [_STYLES[row.state] for row in rows])
    return int(worst)


def look(settings: Settings, machines: Machines) -> list[Row]:
    """One row for each thing: the hosts, each with its containers, each with what is in it."""
    outside = machines.ask({name: _asks_outside(settings, name) for name in settings.hosts})
    running = [one for one in settings.containers.values() if lxc.is_running(outside[one.lxc_host].facts.get(one.name))]
    inside = machines.ask({one.name: _asks_inside(one) for one in running})
    rows = list[Row]()
    for name, host in settings.hosts.items():
        told = outside[name]
        rows += _rows(told, name, lxc.host_questions(host), partial(lxc.host_rows, host))
        for one in settings.containers_on(name):
            rows += _rows(told, one.name, lxc.container_questions(one, host), partial(lxc.container_rows, one))
            if isinstance(one, BackupRepository):
                rows += _rows(told, (copies, one.name), copies.questions(one), partial(copies.rows, one))
            # Of a container that is known not to run, nothing has to be asked.
            known = told.facts.get(one.name) is not None
            blank = Told({part: defaults(part.questions(one)) for part in _with_rows(one)}) if known else told
            for part in _with_rows(one):
                found = _rows(inside.get(one.name, blank), part, part.questions(one), partial(part.rows, one))
                rows += [replace(row, name=f"{one.name}/{row.name}") for row in found]
    return rows


def _asks_outside(settings: Settings, host: str) -> dict[Any, list[Ask]]:
    """What to ask on a host: about itself, about each of its containers, and about the copies that it keeps of one."""
    lxc_host, on_host = settings.hosts[host], settings.containers_on(host)
    of_containers = {one.name: lxc.container_questions(one, lxc_host) for one in on_host}
    of_copies = {(copies, one.name): copies.questions(one) for one in on_host if isinstance(one, BackupRepository)}
    return {host: lxc.host_questions(lxc_host), **of_containers, **of_copies}


def _asks_inside(container: Container) -> dict[Any, list[Ask]]:
    """What to ask in a container: about each part."""
    return {part: part.questions(container) for part in _with_rows(container)}


def _with_rows(container: Container) -> list[Status]:
    """What has rows of its own in a container."""
    return [part.status for part in PARTS[type(container)] if part.status]


def _rows(told: Told, topic: Any, asks: list[Ask], make: Callable[[list[Any]], list[Row]]) -> list[Row]:
    """What ``make`` makes of the facts; the same rows as unknown if they were not told."""
    found = told.facts.get(topic)
    if found is not None:
        return make(found)
    return unknown(make(defaults(asks)), told.unreached or "cannot be determined; `make drift` may say why")
