"""What a machine offers, and its packages."""

import json
from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand


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
