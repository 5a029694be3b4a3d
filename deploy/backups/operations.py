"""Operations for backups."""

from collections.abc import Mapping, Sequence

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.backups.config import FIRST_UNIT, LOADED
from deploy.backups.facts import Calendar, ForeignBackups, Stanza, StanzasFact
from deploy.machine.differences import Commands, refuse, report, reported
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.psql import AS_POSTGRES
from deploy.machine.records import Difference
from deploy.machine.services import Service, Services
from deploy.model.backups import BACKUP_UNIT


@operation()
def listen(configurations: Sequence[str]) -> Commands:
    """Have the process that the other side connects to, running with its files as they are now."""
    services: dict[str, Service] = look(Services, units=[BACKUP_UNIT])
    files: dict[str, Entry] = look(Entries, paths=[*configurations, LOADED])
    service = services.get(BACKUP_UNIT, Service())
    running = service.state == "active"
    loaded = files[LOADED].modified if LOADED in files else service.started
    stale = [path for path in configurations if path in files and files[path].modified > loaded]
    reasons = list(dict.fromkeys([*stale, *reported(configurations)]))
    settings = configurations[0]
    outdated = service.reload_due or settings not in service.drop_ins or settings in reasons
    report([] if service.enabled else [Difference(BACKUP_UNIT, "not enabled")])
    report([] if running else [Difference(BACKUP_UNIT, f"not running ({service.state})")])
    if running:
        report(Difference(BACKUP_UNIT, f"reload for {path}") for path in reasons)
    if outdated:
        yield "systemctl daemon-reload"
    if not service.enabled:
        yield f"systemctl enable --quiet {BACKUP_UNIT}"
    if not running:
        yield f"systemctl reset-failed {BACKUP_UNIT} 2>/dev/null; systemctl restart {BACKUP_UNIT}"
    elif reasons:
        # A restart would end the backups that are under way.
        yield f"systemctl reload {BACKUP_UNIT}"


@operation()
def be_silent() -> Commands:
    """Have nothing listen: pgBackRest's server does not start with nobody to let in."""
    service = look(Services, units=[BACKUP_UNIT]).get(BACKUP_UNIT, Service())
    if service.state == "inactive" and not service.enabled:
        host.noop("nothing listens")
        return
    report([Difference(BACKUP_UNIT, "runs, and there is no event store to listen for")])
    yield f"systemctl disable --quiet --now {BACKUP_UNIT} && systemctl reset-failed {BACKUP_UNIT} 2>/dev/null || true"


@operation()
def have_none(paths: Sequence[str]) -> Commands:
    """Have nothing of backups in an event store that is not backed up. The packages stay, and nothing of them runs."""
    files: dict[str, Entry] = look(Entries, paths=list(paths))
    service = look(Services, units=[BACKUP_UNIT]).get(BACKUP_UNIT, Service())
    running = service.state == "active" or service.enabled
    if not files and not running:
        host.noop("nothing is backed up")
        return
    report(Difference(path, "is there, and no backups are declared") for path in files)
    report([Difference(BACKUP_UNIT, "runs, and no backups are declared")] if running else [])
    yield f"systemctl disable --quiet --now {BACKUP_UNIT} 2>/dev/null || true"
    yield StringCommand("rm -f --", *map(QuoteString, files), "&& systemctl daemon-reload")


@operation()
def check_schedules(schedules: Mapping[str, str]) -> Commands:
    """Refuse times that systemd does not understand: its timers would never run."""
    wrong: str = look(Calendar, times=list(schedules.values()))
    if wrong:
        yield refuse(
            f'{wrong}: not a time to systemd; see systemd.time(7), CALENDAR EVENTS, for example "Sun *-*-* 01:30"'
        )


@operation()
def run_timers(units: Sequence[str], files: Sequence[str]) -> Commands:
    """Have the timers running as their files say."""
    services: dict[str, Service] = look(Services, units=list(units))
    states = {unit: services.get(unit, Service()) for unit in units}
    off = [unit for unit, state in states.items() if not (state.enabled and state.state == "active")]
    newly = reported(files)
    due = [unit for unit, state in states.items() if unit not in off and (state.reload_due or _is_of(unit, newly))]
    report(Difference(unit, "not running") for unit in off)
    report(Difference(unit, "systemd has not read its file") for unit in due)
    if off or due or newly:
        yield "systemctl daemon-reload"
    if off:
        yield StringCommand("systemctl enable --quiet --now --", *map(QuoteString, off))
    if due:
        yield StringCommand("systemctl restart --", *map(QuoteString, due))


def _is_of(unit: str, paths: Sequence[str]) -> bool:
    return any(path.endswith(f"/{unit}") for path in paths)


@operation()
def refuse_foreign_backups(repository: str, cluster: Mapping[str, str]) -> Commands:
    """Refuse a repository that has the backups of another cluster under the name of this event store.

    ``cluster``: what `ForeignBackups` is asked.
    """
    foreign: str = look(ForeignBackups, **cluster)
    if foreign:
        stanza = cluster["stanza"]
        yield refuse(
            f"{repository} has backups of another cluster ({foreign}) under the name {stanza}, so nothing of this one can be "
            f"archived there. To keep them under another name, run `event-store-backups set-aside --cluster {foreign} {stanza}` in "
            f"{repository}, and deploy again; to have that cluster's data back, `make restore CONFIRM={stanza}`"
        )


@operation()
def have_stanzas(stores: Sequence[str]) -> Commands:
    """Have the repository know its event stores, and have the first full backup made of those that have none.

    The event stores have to run. The backup goes on by itself.
    """
    stanzas: dict[str, Stanza] | None = look(StanzasFact)
    known = {name: (stanzas or {}).get(name, Stanza()) for name in stores}
    absent = [name for name, stanza in known.items() if not stanza.there]
    bare = [name for name, stanza in known.items() if not stanza.backups]
    first = look(Services, units=[FIRST_UNIT]).get(FIRST_UNIT, Service())
    report(Difference(f"repository of {name}", "missing") for name in absent)
    at_work = first.state in ("active", "activating")
    report(Difference(f"backups of {name}", "none; the first full one starts") for name in bare if not at_work)
    for name in absent:
        yield f"cd / && {AS_POSTGRES} pgbackrest --stanza={name} --log-level-console=warn stanza-create"
    if bare and not at_work:
        yield f"systemctl reset-failed {FIRST_UNIT} 2>/dev/null; systemctl start --no-block {FIRST_UNIT}"
