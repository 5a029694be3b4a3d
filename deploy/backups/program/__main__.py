"""The command line of `event-store-backups`. Exit status: 0 fine, 1 failed, 2 something is wrong with the backups."""

import argparse
import contextlib
import json
import os
import pwd
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import copies, memory, pgbackrest, put_back, state
from .drill import drill
from .newest import ask
from .pgbackrest import BackupError
from .target import Search
from .verify import verify

#: What verify says of an event store with which nothing is wrong; the program that copies the repository knows it.
WHOLE = "everything that is kept is whole"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's own; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = given.command
        if command is not _put_back:
            _become_postgres()
        return command(given)
    except (BackupError, OSError, ValueError) as error:
        print(f"event-store-backups: {error}", file=sys.stderr)
        return 1


def _become_postgres() -> None:
    """What is written here is read by PostgreSQL's user."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.chdir("/")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="event-store-backups", description="Backups of event stores, in their repository."
    )
    commands = parser.add_subparsers(required=True)
    backup = commands.add_parser("backup", help="make backups, one event store after the other")
    backup.add_argument("type", choices=["full", "diff", "incr"])
    backup.add_argument("--first", action="store_true", help="only of event stores that have none")
    backup.set_defaults(command=_backup)
    check = commands.add_parser("verify", help="read everything that is kept, and check it")
    check.set_defaults(command=_verify)
    trial = commands.add_parser("drill", help="restore the newest backup into a scratch cluster, and check it")
    trial.set_defaults(command=_drill)
    for one in (check, trial):
        one.add_argument("--copy", help=f"of the repository, by its name, or {copies.NEWEST}; the repository itself")
    hold = commands.add_parser("hold", help="let no job run until standard input ends")
    hold.set_defaults(command=_hold)
    back = commands.add_parser("put-back", help="put a copy in the place of the repository; what is there is kept")
    back.add_argument("--copy", required=True, help="its name")
    back.set_defaults(command=_put_back)
    aside = commands.add_parser("set-aside", help="keep the backups of a cluster that is no more under another name")
    aside.add_argument("--cluster", required=True, help="whose they are, as the deploy says it")
    aside.set_defaults(command=_set_aside)
    target = commands.add_parser("target", help="where in the WAL a moment or a transaction is, as JSON")
    target.add_argument("--time", type=float, help="seconds since 1970")
    target.add_argument("--point", help="a named point")
    target.add_argument("--xid", type=int, help="the id of a transaction that began at --time")
    target.set_defaults(command=_target)
    point = commands.add_parser("point", help="remember a named restore point")
    point.add_argument("--name", required=True)
    point.add_argument("--lsn", required=True)
    point.add_argument("--timeline", type=int, required=True)
    point.set_defaults(command=memory.point)
    newest = commands.add_parser(
        "newest", help="restore the newest state aside, and print what SQL on standard input says there"
    )
    newest.set_defaults(command=_newest)
    note = commands.add_parser(
        "remember", help="keep what is on standard input, a JSON object, beside what else is remembered"
    )
    note.set_defaults(command=memory.remember)
    report = commands.add_parser("report", help="what there is, as JSON")
    report.set_defaults(command=memory.report)
    for command in (backup, check, trial, hold, aside, target, point, newest, note, report):
        command.add_argument("stanza", nargs="*", help="event stores; all if none is named")
    return parser


def _backup(given: argparse.Namespace) -> int:
    failed = 0
    for stanza in memory.chosen(given):
        with state.alone(stanza):
            if given.first and pgbackrest.info().get(stanza, {}).get("backup"):
                continue
            print(f"{stanza}: {given.type} backup", flush=True)
            done = pgbackrest.run(stanza, f"--type={given.type}", "backup") == 0
            print(f"{stanza}: {'backed up' if done else 'the backup failed'}", flush=True)
            failed |= not done
    return failed


def _verify(given: argparse.Namespace) -> int:
    if given.copy:
        copies.use(given.copy)
    return _check(given, verify, WHOLE)


def _drill(given: argparse.Namespace) -> int:
    if given.copy and (used := copies.use(given.copy)):
        print(f"from the copy of {used}", flush=True)
    return _check(given, drill, "restored, and the copy is a whole event store")


def _check(given: argparse.Namespace, check: Callable[[str], list[str]], well: str) -> int:
    """Check one event store after the other; one that cannot be checked keeps no other from it."""
    worst = 0
    for stanza in memory.chosen(given):
        try:
            # A copy changes no more.
            with state.alone(stanza) if check is drill or not copies.used() else contextlib.nullcontext():
                problems = check(stanza)
        except BackupError as error:
            print(error, file=sys.stderr, flush=True)
            worst = max(worst, 1)
            continue
        for problem in problems or [well]:
            print(f"{stanza}: {problem}", flush=True)
        worst = max(worst, 2 if problems else 0)
    return worst


def _hold(given: argparse.Namespace) -> int:
    with contextlib.ExitStack() as locks:
        for stanza in sorted(memory.chosen(given)):
            locks.enter_context(state.alone(stanza))
        print("held", flush=True)
        sys.stdin.read()
    return 0


def _put_back(given: argparse.Namespace) -> int:
    put_back.put_back(given.copy)
    return 0


def _set_aside(given: argparse.Namespace) -> int:
    if len(given.stanza) != 1:
        raise BackupError("say of which event store")
    [stanza] = memory.chosen(given)
    known = pgbackrest.info().get(stanza, {}).get("db") or [{}]
    # Once more after a run that was killed, pgBackRest knows nothing of them any more.
    if known[-1].get("system-id", int(given.cluster)) != int(given.cluster):
        raise BackupError(f"{stanza}: the backups are of cluster {known[-1]['system-id']}, not of {given.cluster}")
    name = f"{stanza}.{given.cluster}"
    if pgbackrest.settings().get("repo1-type") == "s3":
        raise BackupError(
            f"{stanza}: the backups are in a bucket, which knows no other names for what is in it; move backup/{stanza} and "
            f"archive/{stanza} there to backup/{name} and archive/{name}, with a client of the storage"
        )
    with state.alone(stanza):
        for folder in ("backup", "archive"):
            place = Path(pgbackrest.settings()["repo1-path"]) / folder
            if (place / stanza).exists():
                (place / stanza).rename(place / name)
        for what in memory.REMEMBERED:
            state.forget(stanza, what)
    print(f"{stanza}: kept as {name}; the next deploy begins a new one for {stanza}", flush=True)
    return 0


def _target(given: argparse.Namespace) -> int:
    [stanza] = memory.chosen(given)
    search = Search(stanza)
    if given.point:
        found = search.point(given.point)
    elif given.time is None:
        found = search.latest()
    else:
        found = search.at(given.time) if given.xid is None else search.before(given.xid, given.time)
    print(json.dumps(found))
    return 0


def _newest(given: argparse.Namespace) -> int:
    [stanza] = memory.chosen(given)
    with state.alone(stanza):
        return ask(stanza, sys.stdin.read())
