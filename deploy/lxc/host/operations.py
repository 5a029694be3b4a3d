"""Operations that make a machine an LXC host."""

from ipaddress import IPv4Interface

from pyinfra.api import StringCommand, operation
from pyinfra.context import host

from deploy.lxc.host.facts import Bridge, BridgeExists, IdRanges
from deploy.machine.differences import Commands, refuse, report
from deploy.machine.facts import Machine, MachineFact
from deploy.machine.look import look
from deploy.machine.operations import locked
from deploy.machine.records import Difference
from deploy.model.containers import ID_RANGE

# Debian moved it; the first that is there is right.
_LXC_NET = 'set -- /usr/libexec/lxc/lxc-net /usr/lib/*/lxc/lxc-net; [ -x "$1" ] || shift'


@operation()
def check_machine(supported: list[str]) -> Commands:
    """End here if the machine cannot be an LXC host of ours."""
    machine: Machine = look(MachineFact)
    if not machine.root:
        yield refuse("commands do not run as root; set _sudo = True in its inventory entry")
    if machine.codename and machine.codename not in supported:
        yield refuse(f"this machine runs {machine.codename}; an LXC host has to run Debian {' or '.join(supported)}")


@operation()
def have_bridge(bridge: str, address: IPv4Interface, dhcp_range: str) -> Commands:
    """Have lxc-net's bridge up with its address, DHCP, forwarding and NAT. Containers stay attached over a restart."""
    works: set[str] = look(Bridge, bridge=bridge, address=str(address), dhcp_range=dhcp_range)
    missing = sorted({"address", "dhcp", "forwarding", "nat"} - works)
    # On a blank machine nothing is there to be taken away.
    has_ipv6 = bool(works) and "ipv4 only" not in works
    if not missing and not has_ipv6:
        host.noop(f"bridge {bridge} works")
        return
    report(Difference(f"bridge {bridge}", f"{what} is missing") for what in missing)
    report([Difference(f"bridge {bridge}", "has an IPv6 address, which nobody has declared")] if has_ipv6 else [])
    restart = f'{_LXC_NET}; "$1" stop force; "$1" start'
    yield StringCommand("if [ -d /run/systemd/system ]; then systemctl restart lxc-net.service; else", restart, "; fi")
    yield "sysctl -q -w net.ipv4.ip_forward=1"


@operation()
def have_existing_bridge(bridge: str) -> Commands:
    """End here if the bridge that the inventory names is not on the machine."""
    if not look(BridgeExists, bridge=bridge):
        yield refuse(f"there is no bridge {bridge}; make it, or set network to managed")


@operation()
def have_id_ranges(bases: list[int]) -> Commands:
    """Let root map these ranges of 65,536 ids each into containers."""
    lines: dict[str, list[str]] = look(IdRanges)
    missing = []
    for file in ("/etc/subuid", "/etc/subgid"):
        for base in bases:
            if user := _other_user(lines.get(file, []), base):
                yield refuse(
                    f"ids {base} to {base + ID_RANGE - 1} are {user}'s in {file}; give the container an id_base"
                )
            if (wanted := f"root:{base}:{ID_RANGE}") not in lines.get(file, []):
                missing.append((file, wanted))
    report(Difference(file, f"{wanted} is missing") for file, wanted in missing)
    for file, wanted in missing:
        # A file without a line end at its end would get its last entry corrupted.
        yield locked(
            StringCommand(f'[ -z "$(tail -c 1 {file} 2>/dev/null)" ] || echo >> {file}; echo {wanted} >> {file}')
        )


def _other_user(lines: list[str], base: int) -> str | None:
    """Whose range it would overlap, other than root's own."""
    for line in lines:
        user, start, count = [*line.split(":"), "", "", ""][:3]
        if not (start.isdigit() and count.isdigit()):
            continue
        if user != "root" and int(start) < base + ID_RANGE and base < int(start) + int(count):
            return user
    return None
