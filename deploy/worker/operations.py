"""Operations for the worker's services."""

from collections.abc import Callable, Mapping

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.api.state import StateStage
from pyinfra.context import host

from deploy.machine.differences import Commands, report
from deploy.machine.files import Entries, Entry, File, ManagedFile
from deploy.machine.look import look
from deploy.machine.records import Difference
from deploy.machine.services import Service, Services
from deploy.worker.facts import ForeignUnits


@operation()
def run(units: list[str], template: str, contents: Mapping[str, str]) -> Commands:
    """Have the units defined by their template alone, started with the server, and running what ``contents`` says.

    ``contents``: path → text of the files that a process reads when it starts; one that is older is restarted.
    """
    services: dict[str, Service] = look(Services, units=units)
    files: dict[str, Entry] = look(Entries, paths=list(contents))
    foreign: list[str] = look(ForeignUnits, template=template)
    states = {unit: services.get(unit, Service()) for unit in units}
    disabled = [unit for unit in units if not states[unit].enabled]
    stopped = [unit for unit in units if states[unit].state != "active"]
    planned = _planned(contents)
    reasons = {unit: restart_reasons(states[unit], files, planned) for unit in units if unit not in stopped}
    restart = [unit for unit, why in reasons.items() if why or foreign]

    report(Difference(path, "changes what the worker's services are") for path in foreign)
    report(Difference(unit, "not enabled") for unit in disabled)
    report(Difference(unit, f"not running ({states[unit].state})") for unit in stopped)
    report(Difference(unit, reason) for unit, why in reasons.items() for reason in why)
    if foreign:
        yield StringCommand("rm -f --", *map(QuoteString, foreign))
    if foreign or disabled or stopped or restart:
        yield "systemctl daemon-reload"
    if disabled:
        yield StringCommand("systemctl enable --quiet --", *map(QuoteString, disabled))
    for verb, chosen in (("restart", restart), ("start", stopped)):
        if chosen:
            log = "journalctl --no-pager --output=cat --lines=20 --unit='event-store@*' >&2"
            yield StringCommand(f"systemctl {verb} --", *map(QuoteString, chosen), f"|| {{ {log}; exit 1; }}")


def restart_reasons(service: Service, files: Mapping[str, Entry], planned: list[str]) -> list[str]:
    """Why a running process is not what the files say."""
    stale = {path for path, file in files.items() if file.modified > service.started}
    reasons = [f"started before {path} was written" for path in sorted({*stale, *planned})]
    return reasons or (["started before systemd had read its file"] if service.reload_due else [])


def _planned(contents: Mapping[str, str]) -> list[str]:
    """The files that this run is going to write, while that can still be seen: before they are."""
    if host.state.current_stage >= StateStage.Execute:
        return []
    there: dict[str, File | None] = {path: look(ManagedFile, path=path) for path in contents}
    return [path for path, file in there.items() if file is None or file.content != contents[path].encode()]


@operation()
def stop(units: list[str], when: Callable[[], bool]) -> Commands:
    """Have the units stopped, also after a boot, until a deploy starts them again; only if ``when`` says that this is due."""
    if not when():
        host.noop("the worker goes on")
        return
    services: dict[str, Service] = look(Services, units=units)
    on = [unit for unit, state in services.items() if state.enabled or state.state != "inactive"]
    report(Difference(unit, "to be stopped") for unit in on)
    if on:
        yield StringCommand("systemctl disable --quiet --now --", *map(QuoteString, on))
