"""Operations for files, packages and services, used on LXC hosts and in containers alike."""

import base64
import difflib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.machine.differences import Commands, masked, refuse, report
from deploy.machine.facts import MachineFact, Packages
from deploy.machine.files import Entries, Entry, File, ManagedFile
from deploy.machine.look import look
from deploy.machine.records import Difference
from deploy.machine.render import render
from deploy.machine.services import Service, Services

#: The mode of a folder.
_OPEN: Final = 0o755


def locked(command: StringCommand) -> StringCommand:
    """A command that edits a file which all deploys onto a machine share, one deploy at a time."""
    # Not in /run/lock, where any user could hold it.
    return StringCommand("mkdir -p -m 755 /run/event-store && flock /run/event-store/lock sh -c", QuoteString(command))


@operation()
def have_folders(paths: list[str]) -> Commands:
    """Have folders that everybody may enter and nobody but the owner may change, whatever the umask of whoever deploys.

    Parents come first.
    """
    there: dict[str, Entry] = look(Entries, paths=paths)
    if others := [path for path, entry in there.items() if not entry.folder]:
        yield refuse(f"{', '.join(others)}: not a folder; move it away")
        return
    missing = [path for path in paths if path not in there]
    closed = [path for path, entry in there.items() if int(entry.mode, 8) & 0o777 != _OPEN]
    report(Difference(path, "missing") for path in missing)
    report(Difference(path, f"mode is {there[path].mode}, not {_OPEN:o}") for path in closed)
    if missing:
        yield StringCommand(f"install -d -m {_OPEN:o} --", *map(QuoteString, missing))
    if closed:
        yield StringCommand(f"chmod {_OPEN:o} --", *map(QuoteString, closed))


@operation()
def have_private_folders(folders: Mapping[str, str], mode: str) -> Commands:
    """Have folders of somebody's own: path → owner (``"root:root"``). Parents come first."""
    there: dict[str, Entry] = look(Entries, paths=list(folders))
    if others := [path for path, entry in there.items() if not entry.folder]:
        yield refuse(f"{', '.join(others)}: not a folder; move it away")
        return
    wrong = {path: "missing" for path in folders if path not in there} | {
        path: f"mode and owner are {entry.mode} {entry.owner}, not {mode} {folders[path]}"
        for path, entry in there.items()
        if (entry.mode, entry.owner) != (mode, folders[path])
    }
    report(Difference(path, what) for path, what in wrong.items())
    for path in (path for path in folders if path in wrong):
        user, _, group = folders[path].partition(":")
        yield StringCommand(f"install -d -m {mode} -o {user} -g {group} --", QuoteString(path))


@operation()
def install(path: str, content: str, mode: str = "644", owner: str = "root:root") -> Commands:
    """Have a file with exactly this content, mode and owner; written beside its target and renamed, so never half there."""
    wanted = File(content.encode(), mode, owner)
    current: File | None = look(ManagedFile, path=path)
    if current == wanted:
        host.noop(f"{path} is as declared")
        return
    report(_differences(path, current, wanted))
    new = QuoteString(f"{path}.new")
    if current is None or current.content != wanted.content:
        # In one command: into a container, each is an entry of its own. Standard input that is empty is none at all.
        yield StringCommand(
            "[ -d", (folder := QuoteString(str(PurePosixPath(path).parent))), f"] || install -d -m {_OPEN:o} --", folder,
            "&& (umask 077; base64 -d >", new, ")",
            f"&& chown {owner} --", new, f"&& chmod {mode} --", new, "&& mv -fT --", new, QuoteString(path),
            _stdin=base64.encodebytes(wanted.content).decode() or "\n",
        )  # fmt: skip
    else:
        yield StringCommand(f"chown {owner} --", QuoteString(path), f"&& chmod {mode} --", QuoteString(path))


def _differences(path: str, current: File | None, wanted: File) -> Iterator[Difference]:
    if current is None:
        yield Difference(path, "missing")
        return
    for what, one, other in (("mode", current.mode, wanted.mode), ("owner", current.owner, wanted.owner)):
        if one != other:
            yield Difference(path, f"{what} is {one}, not {other}")
    if current.content != wanted.content:
        there, declared = (text.decode(errors="replace").splitlines() for text in (current.content, wanted.content))
        lines = difflib.unified_diff(there, declared, "there", "declared", lineterm="", n=1)
        yield Difference(path, "content differs", tuple(map(masked, lines)))


@operation()
def install_if_absent(path: str, content: str) -> Commands:
    """Have a file with this content if there is none; an existing one belongs to somebody else."""
    if look(ManagedFile, path=path) is None:
        yield from install._inner(path=path, content=content)


@operation()
def remove(path: str) -> Commands:
    """Have no file of that name."""
    if look(ManagedFile, path=path) is not None:
        report([Difference(path, "is there")])
        yield StringCommand("rm -f --", QuoteString(path))


@operation()
def install_packages(packages: list[str]) -> Commands:
    """Have these Debian packages, also after an installation that was cut off half-way. None is ever removed."""
    present: dict[str, bool] = look(Packages, names=packages)
    missing = [name for name in packages if not present.get(name)]
    if not missing:
        host.noop("all packages are installed")
        return
    report(Difference(f"package {name}", "missing") for name in missing)
    script = render("system/install-packages.sh")
    yield StringCommand("sh -s --", *map(QuoteString, missing), _stdin=script)


@operation()
def restart_outdated(unit: str, path: str) -> Commands:
    """Have a service that runs restarted if it has not read a file of its configuration yet."""
    services: dict[str, Service] = look(Services, units=[unit])
    files: dict[str, Entry] = look(Entries, paths=[path])
    service = services.get(unit, Service())
    if service.state == "active" and path in files and files[path].modified > service.started:
        report([Difference(unit, f"started before {path} was written")])
        yield StringCommand("systemctl restart --", QuoteString(unit))


@operation()
def enable(unit: str) -> Commands:
    """Have a unit enabled and active, if there is a systemd to do it."""
    services: dict[str, Service] = look(Services, units=[unit])
    service = services.get(unit, Service())
    if not look(MachineFact).systemd:
        host.noop(f"{unit}: no systemd here")
        return
    if service.reload_due:
        report([Difference(unit, "systemd has not read its file")])
        yield "systemctl daemon-reload"
    missing = [
        (what, verb)
        for what, verb, there in (
            ("enabled", "enable --quiet", service.enabled),
            ("active", "start", service.state == "active"),
        )
        if not there
    ]
    report(Difference(unit, f"not {what}") for what, _ in missing)
    for _, verb in missing:
        yield f"systemctl {verb} {unit}"
