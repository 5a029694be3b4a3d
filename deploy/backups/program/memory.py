"""What is kept of an event store beside what pgBackRest knows: written and told by commands of the program."""

import argparse
import json
import sys
import time

from . import pgbackrest, state
from .pgbackrest import BackupError
from .target import Search

#: Beside what pgBackRest knows.
REMEMBERED = ("verify", "drill", "failed-drill", "drilled-copy", "put-back", "points", "cut-off")


def chosen(given: argparse.Namespace) -> list[str]:
    """The event stores that a command line names; all if it names none. Raises `BackupError`."""
    known = pgbackrest.stanzas()
    if unknown := [name for name in given.stanza if name not in known]:
        raise BackupError(f"{', '.join(unknown)}: not backed up here; there are {', '.join(known) or 'none'}")
    return given.stanza or known


def point(given: argparse.Namespace) -> int:
    """Remember a restore point."""
    [stanza] = chosen(given)
    points = state.recall(stanza, "points") or {}
    if given.name in points and given.name in Search(stanza).reachable(points):
        raise BackupError(
            f"{stanza} has a restore point {given.name!r} already, of {points[given.name]['at']}; take another name"
        )
    made = {"lsn": given.lsn, "timeline": given.timeline, "at": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())}
    state.remember(stanza, "points", {**points, given.name: made})
    return 0


def remember(given: argparse.Namespace) -> int:
    """Keep what standard input says, by name; what is null is forgotten."""
    [stanza] = chosen(given)
    said = json.load(sys.stdin)
    if unknown := {*said} - {*REMEMBERED}:
        raise BackupError(f"{', '.join(sorted(unknown))}: not among {', '.join(REMEMBERED)}")
    for what, record in said.items():
        if record is None:
            state.forget(stanza, what)
        else:
            state.remember(stanza, what, record)
    return 0


def report(given: argparse.Namespace) -> int:
    """Print all that is known."""
    known = pgbackrest.info()
    report = {
        stanza: {"info": known.get(stanza, {}), **{what: state.recall(stanza, what) for what in REMEMBERED}}
        for stanza in chosen(given)
    }
    print(json.dumps(report))
    return 0
