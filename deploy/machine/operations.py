"""Operations for files, packages and services, used on LXC hosts and in containers alike."""

import base64
import difflib
from collections.abc import Iterator
from pathlib import PurePosixPath

from pyinfra.api import QuoteString, StringCommand, operation
from pyinfra.context import host

from deploy.machine.differences import Commands, Difference, masked, report
from deploy.machine.facts import File, MachineFact, ManagedFile, Packages, Services
from deploy.machine.look import look


def locked(command: StringCommand) -> StringCommand:
    """A command that edits a file which all deploys onto a machine share, one deploy at a time."""
    # Not in /run/lock, where any user could hold it.
    return StringCommand("mkdir -p /run/event-store && flock /run/event-store/lock sh -c", QuoteString(command))


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
            "mkdir -p --", QuoteString(str(PurePosixPath(path).parent)), "&& (umask 077; base64 -d >", new, ")",
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
    apt = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold"
    yield "DEBIAN_FRONTEND=noninteractive dpkg --configure -a --force-confold"
    yield f"{apt} update"
    yield StringCommand(f"{apt} install --no-install-recommends --", *[QuoteString(name) for name in missing])


@operation()
def enable(unit: str) -> Commands:
    """Have a unit enabled and active, if there is a systemd to do it."""
    state: dict[str, dict[str, str]] = look(Services, units=[unit])
    properties = state.get(unit, {})
    if not look(MachineFact).systemd:
        host.noop(f"{unit}: no systemd here")
        return
    missing = [
        (what, verb)
        for what, verb, there in (
            ("enabled", "enable --quiet", properties.get("UnitFileState") == "enabled"),
            ("active", "start", properties.get("ActiveState") == "active"),
        )
        if not there
    ]
    report(Difference(unit, f"not {what}") for what, _ in missing)
    for _, verb in missing:
        yield f"systemctl {verb} {unit}"
