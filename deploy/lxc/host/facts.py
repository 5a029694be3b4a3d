"""The state of an LXC host's network and id ranges."""

from pyinfra.api import FactBase, QuoteString, StringCommand


class Bridge(FactBase[set[str]]):
    """What works of a managed bridge: a subset of address, dhcp, forwarding, nat, ipv4 only; empty if there is none."""

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
            "ip -6 -o address show scope global dev", bridge, "2>/dev/null | grep -q . || echo ipv4 only;",
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


class Space(FactBase[int | None]):
    """Percent in use of the file system that a path is on; None if there is no such path."""

    def command(self, path: str) -> StringCommand:
        """df's own reckoning."""
        quoted = QuoteString(path)
        return StringCommand("[ ! -e", quoted, "] || df --output=pcent --", quoted)

    def process(self, output: list[str]) -> int:
        """A head, then for example ``  7%``."""
        return int(output[1].strip().removesuffix("%"))


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
