"""What a machine offers, and what its files, packages and services look like."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.machine.questions import Ask


@dataclass(frozen=True)
class Machine:
    """What a machine offers; a machine that could not be looked at has the values of a stock Debian host."""

    root: bool = True
    """Commands run as root."""
    systemd: bool = True
    """systemd is PID 1."""
    cgroup_version: int = 2
    """The hierarchy that has the memory controller."""
    apparmor: bool = True
    """The kernel enforces AppArmor profiles."""
    codename: str = ""
    """Debian's release name."""
    grows_mounted: bool = True
    """Root may resize a mounted file system (CAP_SYS_RESOURCE, capability 24)."""


class MachineFact(FactBase[Machine]):
    """See `Machine`."""

    @staticmethod
    def default() -> Machine:
        """A stock Debian host."""
        return Machine()

    def command(self) -> str:
        """Looks at files only, so that it is the same over SSH, with and without systemd."""
        return """
            . /etc/os-release
            [ "$(id -u)" = 0 ] && root=true || root=false
            [ -d /run/systemd/system ] && systemd=true || systemd=false
            grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null && cgroup=2 || cgroup=1
            [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] && apparmor=true || apparmor=false
            capabilities=$(sed -n 's/^CapEff:[^0-9a-f]*/0x/p' /proc/self/status)
            [ $((capabilities >> 24 & 1)) = 1 ] && grows=true || grows=false
            printf '{"root": %s, "systemd": %s, "cgroup_version": %s, "apparmor": %s, "codename": "%s"' \\
                $root $systemd $cgroup $apparmor "$VERSION_CODENAME"
            printf ', "grows_mounted": %s}' $grows
        """

    def process(self, output: list[str]) -> Machine:
        """One JSON object."""
        return Machine(**json.loads("".join(output)))


@dataclass(frozen=True)
class File:
    """A regular file: its bytes, mode (``"644"``) and owner (``"root:root"``)."""

    content: bytes
    mode: str
    owner: str


@dataclass(frozen=True)
class Files:
    """Several files with one command: three processes instead of two for each file."""

    def command(self, asks: Sequence[Ask]) -> str:
        """A line with + or - for each file: is it there? Then size, mode and owner of each that is, then all contents."""
        paths = StringCommand(*[QuoteString(str(ask.arguments["path"])) for ask in asks]).get_raw_value()
        return (
            f'set --; for path in {paths}; do if [ -f "$path" ]; then set -- "$@" "$path"; echo +; else echo -; fi; done\n'
            '[ $# = 0 ] || { stat -L -c \'%s %a %U:%G\' -- "$@" && cat -- "$@" | base64 --wrap=0; }'
        )

    def split(self, output: list[str], count: int) -> list[list[str]]:
        """As `ManagedFile.command` prints it; nothing if a file changed between its size and its content."""
        there = output[:count].count("+")
        metadata = [line.split(" ", 1) for line in output[count : count + there]]
        contents = base64.b64decode("".join(output[count + there :]))
        if sum(int(size) for size, _ in metadata) != len(contents):
            return []
        parts, end = [], 0
        for size, rest in metadata:
            start, end = end, end + int(size)
            parts.append([rest, base64.b64encode(contents[start:end]).decode()])
        return [parts.pop(0) if mark == "+" else [] for mark in output[:count]]


class ManagedFile(FactBase[File | None]):
    """A small file with its content; None if there is no regular file of that name."""

    def command(self, path: str) -> StringCommand:
        """Mode and owner in the first line, the content as base64 after it."""
        quoted = QuoteString(path)
        return StringCommand("[ ! -f", quoted, "] || { stat -L -c '%a %U:%G' --", quoted, "; base64 --", quoted, "; }")

    def together(self, path: str) -> Files:  # noqa: ARG002  files of any path
        """See `Files`."""
        return Files()

    def process(self, output: list[str]) -> File:
        """See `command`."""
        mode, owner = output[0].split()
        return File(base64.b64decode("".join(output[1:])), mode, owner)


class Packages(FactBase[dict[str, bool]]):
    """Which of some Debian packages are there: name → installed and configured."""

    @staticmethod
    def default() -> dict[str, bool]:
        """A blank machine."""
        return {}

    def command(self, names: list[str]) -> StringCommand:
        """dpkg's own database; a name that it does not know is no failure."""
        quoted = [QuoteString(name) for name in names]
        return StringCommand("dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n'", *quoted, "2>/dev/null || true")

    def process(self, output: list[str]) -> dict[str, bool]:
        """``ii`` is the state of a package that needs nothing more."""
        return {line.split()[0]: line.split()[1] == "ii" for line in output if len(line.split()) > 1}


class Services(FactBase[dict[str, dict[str, str]]]):
    """systemd's view of units: unit → property → value; empty if systemd is not PID 1."""

    @staticmethod
    def default() -> dict[str, dict[str, str]]:
        """Not there."""
        return {}

    def command(self, units: list[str]) -> StringCommand:
        """One call for all units."""
        return StringCommand(
            "[ ! -d /run/systemd/system ] || systemctl show --property=Id,ActiveState,UnitFileState,Result --",
            *[QuoteString(unit) for unit in units],
        )

    def process(self, output: list[str]) -> dict[str, dict[str, str]]:
        """Blocks of ``Property=value``."""
        units: dict[str, dict[str, str]] = {}
        block: dict[str, str] = {}
        for line in [*output, ""]:
            key, separator, value = line.partition("=")
            if separator:
                block[key] = value
            elif block:
                units[block["Id"]] = block
                block = {}
        return units
