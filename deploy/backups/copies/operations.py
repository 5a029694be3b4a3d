"""Operations for copies, on LXC hosts."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.backups.operations import run_timers
from deploy.machine.differences import Commands, report
from deploy.machine.facts import MachineFact
from deploy.machine.files import Entries, Entry
from deploy.machine.look import look
from deploy.machine.records import Difference


@operation()
def run_timer(unit: str, files: Sequence[str]) -> Commands:
    """Have a timer running as its file says, if there is a systemd to run it. `event-store status` says where there is none."""
    if not look(MachineFact).systemd:
        host.noop(f"{unit}: no systemd here, so nothing makes copies by itself")
        return
    yield from run_timers._inner(units=[unit], files=list(files))


@operation()
def forget(unit: str, files: Sequence[str]) -> Commands:
    """Make no copies any more. Those that there are stay."""
    there: dict[str, Entry] = look(Entries, paths=list(files))
    report(Difference(path, "is there, and no copies are to be made") for path in there)
    if not there:
        host.noop("no copies are made")
        return
    systemd = look(MachineFact).systemd
    if systemd:
        yield StringCommand("systemctl disable --quiet --now --", QuoteString(unit), "2>/dev/null || true")
    yield StringCommand("rm -f --", *map(QuoteString, there), *(["&& systemctl daemon-reload"] if systemd else []))


@operation()
def remove_empty(folder: str) -> Commands:
    """Remove the folder of copies if there are none in it."""
    around = str(PurePosixPath(folder).parent)
    left = [QuoteString(f"{around}/{name}") for name in ("lock", "state.json")]
    # With copies in it, the first one fails.
    yield StringCommand(
        "rmdir --", QuoteString(folder), "2>/dev/null && rm -f --", *left, "&& rmdir --", QuoteString(around), "|| true"
    )
