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
    ipv6: bool = True
    """The kernel has IPv6. LXC starts no container whose sysctl the kernel does not know."""


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
            [ -e /proc/sys/net/ipv6/conf/all/disable_ipv6 ] && ipv6=true || ipv6=false
            printf '{"root": %s, "systemd": %s, "cgroup_version": %s, "apparmor": %s, "codename": "%s"' \\
                $root $systemd $cgroup $apparmor "$VERSION_CODENAME"
            printf ', "grows_mounted": %s, "ipv6": %s}' $grows $ipv6
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
        """Of dpkg's own database the lines that have one of the names: of the package, or of what it provides."""
        every = "dpkg-query -W -f '${db:Status-Abbrev} ${Package}, ${Provides}\\n' 2>/dev/null"
        wanted = [bit for name in names for bit in ("-e", QuoteString(name))]
        return StringCommand(every, "| grep -wF", *wanted, "|| true")

    def process(self, output: list[str]) -> dict[str, bool]:
        """``ii``, or ``hi`` for one on hold, is the state of a package that needs nothing more."""
        states: dict[str, bool] = {}
        for line in output:
            status, _, names = line.partition(" ")
            for name in (words[0] for part in names.split(",") if (words := part.split())):
                states[name] = states.get(name, False) or status in ("ii", "hi")
        return states
