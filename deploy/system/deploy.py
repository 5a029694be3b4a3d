"""What every container is inside, before anything runs in it: host name, DNS, address, packages."""

from pyinfra.api import deploy

from deploy.machine import operations as machine
from deploy.machine.facts import MachineFact, ManagedFile, Packages, Services
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.model.containers import Container
from deploy.model.settings import Settings

_DHCP = "/etc/systemd/network/10-eth0.network"
_NETWORKD = "systemd-networkd.service"


def questions(container: Container) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    return [
        *(Ask(ManagedFile, path=path) for path in ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", _DHCP)),
        Ask(Packages, names=sorted(container.required_packages)),
        *([Ask(Services, units=[_NETWORKD]), Ask(MachineFact)] if container.address == "dhcp" else []),
    ]


@deploy("System")
def deploy_part(container: Container, settings: Settings) -> None:
    """Have the container's own name, its DNS and its packages."""
    nameservers = settings.host_of(container).nameserver_addresses
    resolv = "".join(f"nameserver {address}\n" for address in nameservers)
    machine.install(name="Write the host name", path="/etc/hostname", content=f"{container.lxc_name}\n")
    machine.install(name="Write /etc/hosts", path="/etc/hosts", content=render("system/hosts.j2", container=container))
    machine.install(name="Write /etc/resolv.conf", path="/etc/resolv.conf", content=resolv)
    if container.address == "dhcp":
        machine.install(name="Ask DHCP for an address", path=_DHCP, content=render("system/dhcp.network.j2"))
        machine.enable(name="Enable networkd", unit=_NETWORKD)
    else:
        machine.remove(name="Ask no DHCP", path=_DHCP)
    machine.install_packages(name="Install packages", packages=sorted(container.required_packages))
