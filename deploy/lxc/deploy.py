"""Makes a machine an LXC host: packages, bridge with NAT, forwarding, id ranges."""

from ipaddress import IPv4Interface

from pyinfra.api import deploy

from deploy.lxc.container.config import HOOK
from deploy.lxc.container.deploy import questions
from deploy.lxc.host import operations as lxc_host
from deploy.lxc.host.facts import Bridge, IdRanges, MachineFact, Services
from deploy.machine import operations as files
from deploy.machine import services
from deploy.machine.facts import ManagedFile, Packages
from deploy.machine.look import Ask, ahead
from deploy.machine.render import render
from deploy.model.settings import POSTGRESQL_OF_RELEASE, Container, LxcHost

_LXC_NET = "/etc/default/lxc-net"
_FORWARDING = "/etc/sysctl.d/60-event-store.conf"
PACKAGES = [
    "lxc",
    "mmdebstrap",
    "uidmap",
    "dnsmasq-base",
    "iptables",
    "e2fsprogs",
    "iproute2",
    "procps",
    "ca-certificates",
]


@deploy("LXC host")
def provision(settings: LxcHost, containers: list[Container]) -> None:
    """Bring one LXC host to what ``settings`` says, ready for ``containers``."""
    gateway = IPv4Interface((settings.gateway_address, settings.subnet.prefixlen))
    dhcp_range = ",".join(str(address) for address in settings.dhcp_range)
    asks = [
        Ask(MachineFact),
        *(Ask(ManagedFile, path=path) for path in (_LXC_NET, _FORWARDING, HOOK)),
        Ask(Packages, names=PACKAGES),
        Ask(Bridge, bridge=settings.bridge, address=str(gateway), dhcp_range=dhcp_range),
        *(Ask(Services, units=[unit]) for unit in ("lxc-net.service", "lxc.service")),
        Ask(IdRanges),
        *(ask for container in containers for ask in questions(container, settings)),
    ]
    ahead(name="Look at the machine", asks=asks)
    lxc_host.check_machine(name="Check the machine", supported=list(POSTGRESQL_OF_RELEASE))
    # Before the package, whose installation starts the network with whatever stands here.
    configure_network = files.install if settings.network == "managed" else files.install_if_absent
    configure_network(name="Configure lxc-net", path=_LXC_NET, content=render("lxc/lxc-net.j2", host=settings))
    files.install_packages(name="Install packages", packages=PACKAGES)
    if settings.network == "managed":
        files.install(
            name="Keep forwarding on",
            path=_FORWARDING,
            content=render("lxc/forwarding.conf.j2"),
        )
        lxc_host.have_bridge(
            name=f"Start bridge {settings.bridge}",
            bridge=settings.bridge,
            address=gateway,
            dhcp_range=dhcp_range,
        )
        services.enable(name="Enable lxc-net", unit="lxc-net.service")
    else:
        lxc_host.have_existing_bridge(name=f"Check bridge {settings.bridge}", bridge=settings.bridge)
    lxc_host.have_id_ranges(name="Reserve id ranges", bases=[container.ids.start for container in containers])
    files.install(name="Install the pre-start hook", path=HOOK, content=render("lxc/pre-start.sh.j2"), mode="755")
    services.enable(name="Enable container autostart", unit="lxc.service")
