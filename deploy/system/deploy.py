"""What every container is inside, before anything runs in it: host name, DNS, address, packages."""

from pyinfra.api import deploy

from deploy.machine import operations as machine
from deploy.machine.facts import MachineFact, Packages
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.model.containers import Container
from deploy.model.settings import Settings
from deploy.system import operations as system
from deploy.system.facts import SharedMemory

_DHCP = "/etc/systemd/network/10-eth0.network"
_NETWORKD = "systemd-networkd.service"
_LOGIND = "systemd-logind.service"
_LOGIND_SETTINGS = "/etc/systemd/logind.conf.d/event-store.conf"
_APT = "/etc/apt/apt.conf.d/99event-store"
#: What the image was built with, which older versions of this project left inside.
_APT_OF_IMAGE = "/etc/apt/apt.conf.d/99mmdebstrap"
_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/fstab", _LOGIND_SETTINGS, _DHCP, _APT, _APT_OF_IMAGE)
#: Without it, logs would fill the root file system.
_LOGROTATE = "logrotate.timer"


def questions(container: Container) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    return [
        *(Ask(ManagedFile, path=path) for path in _FILES),
        Ask(SharedMemory),
        Ask(Services, units=[_LOGIND]),
        Ask(Entries, paths=[_LOGIND_SETTINGS]),
        Ask(Services, units=[_LOGROTATE]),
        Ask(MachineFact),
        Ask(Packages, names=sorted(container.required_packages)),
        *([Ask(Services, units=[_NETWORKD])] if container.address == "dhcp" else []),
    ]


@deploy("System")
def deploy_part(container: Container, settings: Settings) -> None:
    """Have the container's own name, its DNS and its packages."""
    nameservers = settings.host_of(container).nameserver_addresses
    resolv = "".join(f"nameserver {address}\n" for address in nameservers)
    machine.install(name="Write the host name", path="/etc/hostname", content=f"{container.lxc_name}\n")
    machine.install(
        name="Write /etc/hosts",
        path="/etc/hosts",
        content=render("system/hosts.j2", container=container, peers=settings.peers_of(container)),
    )
    machine.install(name="Write /etc/resolv.conf", path="/etc/resolv.conf", content=resolv)
    machine.install(name="Write /etc/fstab", path="/etc/fstab", content=render("system/fstab.j2", container=container))
    system.limit_shared_memory(name="Limit /dev/shm", size=container.shared_memory)
    machine.install(name="Write logind's settings", path=_LOGIND_SETTINGS, content=render("system/logind.conf.j2"))
    machine.restart_outdated(name="Restart logind", unit=_LOGIND, path=_LOGIND_SETTINGS)
    if container.address == "dhcp":
        machine.install(name="Ask DHCP for an address", path=_DHCP, content=render("system/dhcp.network.j2"))
        machine.enable(name="Enable networkd", unit=_NETWORKD)
    else:
        machine.remove(name="Ask no DHCP", path=_DHCP)
    proxy = settings.host_of(container).apt_proxy
    machine.install(name="Configure apt", path=_APT, content=render("system/apt.conf.j2", proxy=proxy))
    machine.remove(name="Remove the image's configuration of apt", path=_APT_OF_IMAGE)
    machine.install_packages(name="Install packages", packages=sorted(container.required_packages))
    machine.enable(name="Enable the rotation of logs", unit=_LOGROTATE)
