"""What an LXC host can do, and the state of its network."""

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


class Bridge(FactBase[set[str]]):
    """What works of a managed bridge: a subset of address, dhcp, forwarding, nat; empty where there is none."""

    @staticmethod
    def default() -> set[str]:
        """Nothing works on a blank machine."""
        return set()

    def command(self, bridge: str, address: str, dhcp_range: str) -> StringCommand:
        """``address`` is the bridge's own, with its prefix length; the rules are those of lxc-net (nft or iptables)."""
        return StringCommand(
            "ip -4 -o address show dev", bridge, "2>/dev/null | grep -qwF", QuoteString(address), "&& echo address;",
            'grep -qsF', QuoteString(dhcp_range), '"/proc/$(cat /run/lxc/dnsmasq.pid 2>/dev/null)/cmdline" && echo dhcp;',
            '[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] && echo forwarding;',
            "{ nft list table ip lxc || iptables -t nat -S POSTROUTING; } 2>/dev/null | grep -qi masquerade && echo nat;",
            "true",
        )  # fmt: skip

    def process(self, output: list[str]) -> set[str]:
        """One word a line."""
        return set(output)


class BridgeExists(FactBase[bool]):
    """Whether there is a bridge of that name."""

    @staticmethod
    def default() -> bool:
        """Not on a blank machine."""
        return False

    def command(self, bridge: str) -> StringCommand:
        """The kernel's own list."""
        return StringCommand("[ ! -d", QuoteString(f"/sys/class/net/{bridge}/bridge"), "] || echo yes")

    def process(self, output: list[str]) -> bool:  # noqa: ARG002  any output is a yes
        """See `command`."""
        return True


class IdRanges(FactBase[dict[str, list[str]]]):
    """The lines of /etc/subuid and /etc/subgid, by file."""

    @staticmethod
    def default() -> dict[str, list[str]]:
        """No ranges."""
        return {}

    def command(self) -> str:
        """File name and line."""
        return "grep -H : /etc/subuid /etc/subgid 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, list[str]]:
        """``/etc/subuid:root:1000000:65536``."""
        lines: dict[str, list[str]] = {}
        for line in output:
            file, _, entry = line.partition(":")
            lines.setdefault(file, []).append(entry.strip())
        return lines


class Services(FactBase[dict[str, dict[str, str]]]):
    """systemd's view of units: unit → property → value; empty where systemd is not PID 1."""

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
