"""The command line of `event-store-copies`. Exit status: 0 fine, 1 no copy could be made, 2 something is wrong."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .container import Container
from .folder import BusyError, Copies, outdated
from .lost import lost
from .names import FAILED, UNPROVEN, day_of, is_proven
from .tree import CopyError

_CONFIGURATIONS = Path("/etc/event-store/copies")
_UNREADABLE = "state.json, which says what drills have restored, cannot be read"


@dataclass(frozen=True)
class Settings:
    """What the deploy has written about one repository."""

    container: str
    source: str
    """The live repository, as the host sees it."""
    folder: str
    """Where the copies are."""
    stores: list[str]
    keep: int
    keep_full: int
    leave_free: int

    @classmethod
    def of(cls, name: str) -> "Settings":
        """Raises `CopyError`."""
        file = _CONFIGURATIONS / f"{name}.json"
        if "/" in name or not file.is_file():
            raise CopyError(f"there is no {file}; `make deploy` writes one for each repository of this host")
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    @property
    def copies(self) -> Copies:
        """What there is of them."""
        return Copies(Path(self.folder), self.leave_free)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's own; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="event-store-copies", description="Copies of the repositories of backups, that no container can write."
    )
    commands = parser.add_subparsers(required=True)
    copy = commands.add_parser(
        "copy", help="make a copy, have it verified, and remove those that are not kept any more"
    )
    copy.set_defaults(command=_copy)
    status = commands.add_parser("status", help="what there is, as JSON; changes nothing")
    status.set_defaults(command=_status)
    accept = commands.add_parser("accept", help="take a failed copy for a good one, because what is wrong is meant so")
    accept.set_defaults(command=_accept)
    for one in (copy, status, accept):
        one.add_argument("repository", help="the name of its container")
    accept.add_argument("copy", help="its name")
    given = parser.parse_args(arguments)
    os.umask(0o022)
    try:
        command: Callable[[argparse.Namespace], int] = given.command
        return command(given)
    except (CopyError, OSError, ValueError) as error:
        print(f"event-store-copies: {error}", file=sys.stderr)
        return 1


def _copy(given: argparse.Namespace) -> int:
    settings = Settings.of(given.repository)
    copies = settings.copies
    try:
        with copies.alone():
            problems = make(settings, copies, Container(settings.container))
            copies.remember(problems=problems)
    except BusyError:
        raise
    except (CopyError, OSError, ValueError) as error:
        if copies.shown.is_dir():
            copies.remember(problems=[str(error)])
        raise
    for problem in problems:
        print(problem, file=sys.stderr, flush=True)
    return 2 if problems else 0


def make(settings: Settings, copies: Copies, container: Container) -> list[str]:
    """Make a copy and have it verified; what is wrong with it. Only then those go that are not kept any more."""
    if not settings.stores:
        print("no event store is backed up here, so there is nothing to copy", flush=True)
        return []
    copies.remove_unfinished()
    # Those that a run left that was killed; the repository may have been emptied since.
    problems = [
        problem
        for name in copies.names()
        if name.endswith(UNPROVEN)
        for problem in prove(settings, copies, container, name)
    ]
    with container.held(settings.stores) as check:
        name = copies.make(Path(settings.source), check)
    problems += prove(settings, copies, container, name)
    known = copies.recall()
    drilled = (known or {}).get("drilled", {}) | container.drilled()
    copies.remember(drilled=drilled)
    if known is None:
        return [*problems, f"{_UNREADABLE}: no copy was removed"]
    for old in outdated(copies.names(), settings.keep, drilled.values()):
        copies.remove(old)
        print(f"{old}: removed, as {settings.keep} newer ones were verified (keep_copies)", flush=True)
    return problems


def prove(settings: Settings, copies: Copies, container: Container, name: str) -> list[str]:
    """Have a copy verified, and give it the name that it deserves; what is wrong with it."""
    problems = container.verify(name, settings.stores)
    if before := [one for one in copies.names() if is_proven(one)]:
        problems += lost(copies.shown / before[-1], copies.shown / name, settings.stores, settings.keep_full)
    day = day_of(name)
    copies.move(name, f"{day}{FAILED}" if problems else day)
    print(f"{day}: {'something is wrong with it; it is kept apart' if problems else 'verified'}", flush=True)
    return [f"{day}: {problem}" for problem in problems]


def _status(given: argparse.Namespace) -> int:
    settings = Settings.of(given.repository)
    copies = settings.copies
    known = copies.recall()
    found: list[str] = [_UNREADABLE] if known is None else known.get("problems", [])
    report = {
        "stores": settings.stores,
        "names": copies.names(),
        "problems": [*found, *_strange(copies)],
        "drilled": (known or {}).get("drilled", {}),
        "timer": Path("/run/systemd/system").is_dir(),
    }
    print(json.dumps(report))
    return 0


def _strange(copies: Copies) -> list[str]:
    found = [repr(name) for name in copies.strangers()]
    return [f"no copy, and ignored: {', '.join(found)}; move it out of {copies.shown}"] if found else []


def _accept(given: argparse.Namespace) -> int:
    copies = Settings.of(given.repository).copies
    with copies.alone():
        name = f"{day_of(given.copy)}{FAILED}"
        if name not in copies.names():
            raise CopyError(f"there is no {name}; there are {', '.join(copies.names()) or 'none'}")
        copies.move(name, day_of(name))
        copies.remember(problems=[])
    print(f"{day_of(name)}: taken for a good one", flush=True)
    return 0
