"""Operations for the pooler: what it looks up clients by, its service, and that it has read its files."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.machine.differences import Commands, refuse, report, reported, unanswered
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.pooler_console import console, reconnected
from deploy.machine.psql import psql
from deploy.machine.records import Difference
from deploy.machine.services import Service, Services
from deploy.model.event_stores import DATABASE, PORT
from deploy.model.pooling import POOLER_FOLDER, POOLER_ROLE, POOLER_UNIT, Pool
from deploy.pooler.config import CONFIGURATION, LOOKUP, LOOKUP_THERE, SCHEMA, SERVER_FOLDER, UNIT_FILE, parameters
from deploy.pooler.facts import Lookup, LookupFact, Pooler, PoolerFact

_LOG: Final = f"journalctl --no-pager --output=cat --lines=20 --unit={POOLER_UNIT} >&2"
#: Written at each start and reload: as old as what the process has read.
_COPIED: Final = f"{POOLER_FOLDER}/server.crt"
#: A parameter that it does not take back to its default at a reload, nor knows that of, and what that is.
_KEPT: Final = {"verbose": "0"}
#: One that its command line gives.
_GIVEN: Final = "conffile"
#: The console itself, which is always there.
_CONSOLE: Final = "pgbouncer"


@operation()
def have_lookup() -> Commands:
    """Have the function by which the pooler looks up who a client is, in a schema of the superuser's."""
    there: Lookup = look(LookupFact, schema=SCHEMA)
    if there.silence:
        yield from unanswered("what the pooler looks clients up by", there.silence)
        return
    if there.owner not in ("", "postgres"):
        yield refuse(f"schema {SCHEMA} belongs to {there.owner}, and the pooler would believe it; rename or drop it")
        return
    if there.owner and there.there == LOOKUP_THERE:
        host.noop("the function is as declared")
        return
    report([Difference(f"schema {SCHEMA}", "differs" if there.owner else "missing")])
    yield psql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;{LOOKUP}", database=DATABASE)


@operation()
def run(pool: Pool, contents: Mapping[str, str], tls: str) -> Commands:
    """Have the pooler running, enabled, and as its files say; restarted only for what it cannot take while it runs.

    ``contents``: path → text of its files; ``tls``: the folder of the server's key and certificate.
    """
    services: dict[str, Service] = look(Services, units=[POOLER_UNIT])
    files: dict[str, Entry] = look(Entries, paths=[*contents, _COPIED])
    service, pooler = services.get(POOLER_UNIT, Service()), _pooler(tls)
    running = service.state == "active" and pooler.up
    newly = reported([*contents, f"{tls}/server.key", f"{tls}/server.crt"])
    restart, reload = _unlike(pooler, pool, contents)
    if UNIT_FILE in newly or service.reload_due or _newer(files, UNIT_FILE, service.started):
        restart.append(UNIT_FILE)
    loaded = files[_COPIED].modified if _COPIED in files else service.started
    reload += [path for path in contents if path != UNIT_FILE and _newer(files, path, loaded)]
    reload = list(dict.fromkeys([*reload, *pooler.stale, *(path for path in newly if path != UNIT_FILE)]))
    for what, there in (("enabled", service.enabled), ("running", running)):
        report([] if there else [Difference(POOLER_UNIT, f"not {what}")])
    if running:
        report(Difference(POOLER_UNIT, f"restart for {why}; its clients connect again") for why in restart)
        report(Difference(POOLER_UNIT, f"reload for {why}") for why in (() if restart else reload))
    outdated = bool(running and not restart and _outdated(pooler))
    report([Difference(POOLER_UNIT, _RECONNECT)] if outdated else [])
    if UNIT_FILE in restart:
        yield "systemctl daemon-reload"
    if not service.enabled:
        yield f"systemctl enable --quiet {POOLER_UNIT}"
    if not running or restart:
        yield f"systemctl reset-failed {POOLER_UNIT} 2>/dev/null; systemctl restart {POOLER_UNIT} || {{ {_LOG}; exit 1; }}"
    elif reload:
        yield f"systemctl reload {POOLER_UNIT}"
        for row in pooler.databases:
            yield from (StringCommand(console(f"{verb} {DATABASE}")) for verb in _opening(row))
    if outdated:
        yield reconnected()


_RECONNECT: Final = (
    "reconnect: connections to the server are older than the last change of the schema; no client is dropped"
)


def _outdated(pooler: Pooler) -> set[str]:
    """The connections that a run has left which was killed between a change of the schema and the RECONNECT after it."""
    lookup: Lookup = look(LookupFact, schema=SCHEMA)
    kept = {row["remote_pid"] for row in pooler.servers if row["close_needed"] == "0"}
    return kept & {str(pid) for pid in lookup.outdated}


def _pooler(tls: str) -> Pooler:
    found: Pooler = look(PoolerFact, tls=tls)
    return found


def _newer(files: Mapping[str, Entry], path: str, than: Decimal) -> bool:
    return path in files and files[path].modified > than


def _unlike(pooler: Pooler, pool: Pool, contents: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What the running pooler has otherwise than declared: what it takes at a restart only, and at a reload."""
    wanted, fixed, loose = parameters(contents[CONFIGURATION]), list[str](), list[str]()
    for row in pooler.config:
        name, value, changeable = row["key"], row["value"], row["changeable"] == "yes"
        # What the file does not say can only be set on the console, if at all.
        default = _KEPT.get(name, row["default"]) if changeable and name != _GIVEN else value
        right = wanted.get(name, default)
        if value != right:
            (loose if changeable and name not in _KEPT else fixed).append(f"{name} = {value}, not {right}")
    for row in pooler.databases:
        if row["name"] == DATABASE:
            loose += _database(row, pool)
        elif row["name"] != _CONSOLE:
            loose.append(f"database {row['name']}: is there, and not declared")
    return fixed, loose


def _database(row: Mapping[str, str], pool: Pool) -> Iterator[str]:
    """What somebody has changed on the console, or an older file says."""
    server = ("host", SERVER_FOLDER), ("port", str(PORT)), ("database", DATABASE), ("force_user", "")
    for name, right in (*server, ("paused", "0"), ("disabled", "0"), ("pool_size", str(pool.size))):
        if row.get(name, right) != right:
            yield f"database {DATABASE}: {name} = {row[name]}, not {right}"


def _opening(row: Mapping[str, str]) -> Iterator[str]:
    """What opens the database again that was closed on the console."""
    if row["name"] == DATABASE:
        yield from (verb for name, verb in (("disabled", "ENABLE"), ("paused", "RESUME")) if row.get(name) == "1")


@operation()
def have_none(paths: list[str], *, foreign: bool) -> Commands:
    """Have no pooler: no service, no function, no role, no file of it. The package stays, and does not run.

    The files go last: as long as they are there, a run that was killed is finished by the next one. ``foreign``: whether
    somebody has declared the package by itself, so that what runs without our files is theirs.
    """
    files: dict[str, Entry] = look(Entries, paths=paths)
    services: dict[str, Service] = look(Services, units=[POOLER_UNIT])
    service = services.get(POOLER_UNIT, Service())
    states = [("enabled", service.enabled), ("running", service.state not in ("inactive", "failed"))]
    left = [] if foreign and not files else [what for what, there in states if there]
    if not files and not left:
        host.noop("there is no pooler")
        return
    lookup: Lookup = look(LookupFact, schema=SCHEMA)
    if lookup.silence:
        yield from unanswered("what the pooler looks clients up by", lookup.silence)
        return
    report(Difference(POOLER_UNIT, f"is {what}, and no pooler is declared") for what in left)
    report(Difference(path, "is there, and no pooler is declared") for path in files)
    report([Difference(f"schema {SCHEMA}", "is there, and no pooler is declared")] if lookup.owner else [])
    yield f"systemctl disable --quiet --now {POOLER_UNIT} 2>/dev/null || true"
    if lookup.owner == "postgres":
        yield psql(f"DROP SCHEMA {SCHEMA} CASCADE", database=DATABASE)
    if lookup.role:
        # Whoever owns the database may have granted it something there.
        yield psql(f"DROP OWNED BY {POOLER_ROLE}", database=DATABASE)
        yield psql(f"DROP ROLE {POOLER_ROLE}")
    # Debian's own unit of that name comes to light.
    removed = ["rm -rf --", *map(QuoteString, files), "&&"] if files else []
    yield StringCommand(
        *removed, f"systemctl daemon-reload && systemctl disable --quiet --now {POOLER_UNIT} 2>/dev/null || true"
    )
