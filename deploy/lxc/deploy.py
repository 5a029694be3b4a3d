"""Makes a machine an LXC host, and brings its containers to life, whatever runs in them."""

from collections.abc import Mapping
from functools import partial
from ipaddress import IPv4Interface
from pathlib import PurePosixPath

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.lxc.claims import operations as claims
from deploy.lxc.claims.facts import ClaimsFact
from deploy.lxc.container import operations as containers
from deploy.lxc.container import shown
from deploy.lxc.container.config import START_HOOK, STOP_HOOK, STOP_SCRIPT, Paths
from deploy.lxc.container.facts import ContainerFact, RootFileSystem
from deploy.lxc.host import operations as hosts
from deploy.lxc.host.facts import Bridge, BridgeExists, IdRanges
from deploy.lxc.image import operations as images
from deploy.lxc.image.facts import AptSources, Images
from deploy.lxc.image.recipe import Image
from deploy.lxc.volume import operations as volumes
from deploy.lxc.volume.facts import Mounts, VolumeFact
from deploy.machine import operations as machine
from deploy.machine.facts import MachineFact, Packages
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.look import ahead, ask_ahead, begin
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.model.containers import RELEASES, STOP_TIMEOUT, Container
from deploy.model.hosts import LxcHost
from deploy.model.settings import Settings

_LXC_NET = "/etc/default/lxc-net"
_SHUTDOWN = "event-store-containers.service"
_FORWARDING = "/etc/sysctl.d/60-event-store.conf"
_FILES = (_LXC_NET, START_HOOK, STOP_HOOK, STOP_SCRIPT, f"/etc/systemd/system/{_SHUTDOWN}")
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


def deploy_host(settings: Settings) -> None:
    """Bring the current machine, an LXC host, and its containers to what ``settings`` says."""
    lxc_host, on_host = settings.hosts[host.name], settings.containers_on(host.name)
    asks = [*_questions_of_host(lxc_host), *(ask for one in on_host for ask in _questions_of_container(one, lxc_host))]
    begin(partial(ask_ahead, asks))
    provision(settings=lxc_host, containers=on_host, asks=asks)
    build_images(settings=lxc_host, on_host=on_host)
    # Over all containers, so that each has operations of its own in the plan, whichever host it is on.
    for container in host.loop(settings.containers.values()):
        if container.lxc_host == host.name:
            create(container=container, settings=lxc_host)


def _questions_of_host(settings: LxcHost) -> list[Ask]:
    """What the operations of `provision` are going to ask."""
    return [
        Ask(MachineFact),
        *(Ask(ManagedFile, path=path) for path in _FILES),
        Ask(Packages, names=PACKAGES),
        *_questions_of_network(settings),
        Ask(Services, units=["lxc.service"]),
        Ask(Services, units=[_SHUTDOWN]),
        Ask(Entries, paths=_folders(settings)),
        Ask(IdRanges),
    ]


def _folders(settings: LxcHost) -> list[str]:
    """What containers have to get through, and LXC's hooks."""
    storage = settings.storage_path
    return [storage, f"{storage}/containers", f"{storage}/volumes", str(PurePosixPath(START_HOOK).parent)]


def _questions_of_network(settings: LxcHost) -> list[Ask]:
    if settings.network == "existing":
        return [Ask(BridgeExists, bridge=settings.bridge)]
    address, dhcp_range = str(_bridge_address(settings)), _dhcp_range(settings)
    return [
        Ask(ManagedFile, path=_FORWARDING),
        Ask(Bridge, bridge=settings.bridge, address=address, dhcp_range=dhcp_range),
        Ask(Services, units=["lxc-net.service"]),
    ]


def _questions_of_container(container: Container, settings: LxcHost) -> list[Ask]:
    """What the operations of `build_images` and `create` are going to ask."""
    paths = Paths.of(container, settings)
    return [
        Ask(ClaimsFact, **claims.arguments(container, paths)),
        Ask(AptSources),
        Ask(Images, directory=paths.images),
        Ask(VolumeFact, path=f"{paths.mount}.img"),
        Ask(VolumeFact, path=f"{paths.volume}.img"),
        Ask(Mounts),
        Ask(RootFileSystem, **_root_file_system(paths)),
        Ask(Entries, paths=[paths.mount, paths.root]),
        Ask(ManagedFile, path=paths.config),
        Ask(ContainerFact, container=container.lxc_name),
        *shown.questions(container, settings),
    ]


def _root_file_system(paths: Paths) -> dict[str, str]:
    """What `RootFileSystem` is asked."""
    return {"image": f"{paths.mount}.img", "directory": paths.mount}


def _bridge_address(settings: LxcHost) -> IPv4Interface:
    return IPv4Interface((settings.gateway_address, settings.subnet.prefixlen))


def _dhcp_range(settings: LxcHost) -> str:
    return ",".join(str(address) for address in settings.dhcp_range)


@deploy("LXC host")
def provision(settings: LxcHost, containers: list[Container], asks: list[Ask]) -> None:
    """Have packages, bridge with NAT, forwarding and id ranges, ready for ``containers``; ``asks``: all that is asked."""
    ahead(name="Look at the machine", asks=asks)
    hosts.check_machine(name="Check the machine", supported=list(RELEASES))
    # Before the package, whose installation starts the network with whatever stands here.
    configure_network = machine.install if settings.network == "managed" else machine.install_if_absent
    configure_network(name="Configure lxc-net", path=_LXC_NET, content=render("lxc/lxc-net.j2", host=settings))
    machine.install_packages(name="Install packages", packages=PACKAGES)
    if settings.network == "managed":
        machine.install(name="Keep forwarding on", path=_FORWARDING, content=render("lxc/forwarding.conf.j2"))
        hosts.have_bridge(
            name=f"Start bridge {settings.bridge}",
            bridge=settings.bridge,
            address=_bridge_address(settings),
            dhcp_range=_dhcp_range(settings),
        )
        machine.enable(name="Enable lxc-net", unit="lxc-net.service")
    else:
        hosts.have_existing_bridge(name=f"Check bridge {settings.bridge}", bridge=settings.bridge)
    machine.have_folders(name="Have the folders of the storage", paths=_folders(settings))
    hosts.have_id_ranges(name="Reserve id ranges", bases=[container.ids.start for container in containers])
    for hook in host.loop((START_HOOK, STOP_HOOK)):
        name = PurePosixPath(hook).name
        machine.install(name=f"Install the {name} hook", path=hook, content=render(f"lxc/{name}.sh.j2"), mode="755")
    machine.enable(name="Enable container autostart", unit="lxc.service")
    stop_script = render("lxc/stop-containers.sh.j2", timeout=STOP_TIMEOUT)
    machine.install(name="Install the script for shutdown", path=STOP_SCRIPT, content=stop_script, mode="755")
    unit = render("lxc/containers.service.j2", script=STOP_SCRIPT, timeout=STOP_TIMEOUT)
    machine.install(name="Write the service for shutdown", path=f"/etc/systemd/system/{_SHUTDOWN}", content=unit)
    machine.enable(name="Give containers time at a shutdown", unit=_SHUTDOWN)


@deploy("Images")
def build_images(settings: LxcHost, on_host: list[Container]) -> None:
    """Have the images that a host's containers are made from."""
    directory = f"{settings.storage_path}/images"
    roots: dict[Image, list[Mapping[str, str]]] = {}
    for container in on_host:
        roots.setdefault(Image.of(container), []).append(_root_file_system(Paths.of(container, settings)))
    for image in host.loop(sorted(roots)):
        name = f"Build image {image.family}"
        images.build(name=name, directory=directory, image=image, root_file_systems=roots[image])
        images.remove_superseded(name=f"Remove superseded images {image.family}", directory=directory, image=image)


@deploy("Container")
def create(container: Container, settings: LxcHost) -> None:
    """Have the container running as declared. What exists is changed in place; its data volume is never touched."""
    name, paths = container.lxc_name, Paths.of(container, settings)
    claims.check_claims(name=f"Check what there is of {name}", container=container, settings=settings)
    for kind, path, size in host.loop(
        (("data", f"{paths.volume}.img", container.disk), ("root", f"{paths.mount}.img", container.root_disk))
    ):
        volumes.have_volume(
            name=f"Have the {kind} volume of {name}",
            container=name,
            path=path,
            size=size,
            before_stop=container.before_stop,
        )
    volumes.have_mounts(name=f"Mount the volumes of {name}", directories=[paths.mount, paths.volume])
    containers.have_root(name=f"Copy the image to {name}", container=container, settings=settings)
    machine.have_folders(name=f"Open the root folder of {name}", paths=[paths.mount, paths.root])
    if container.read_only_mounts(settings.storage_path):
        shown.have_shown_folders(name=f"Have what {name} sees of its host", container=container, settings=settings)
    containers.configure(name=f"Configure {name}", container=container, settings=settings)
    containers.limit(name=f"Limit {name} while it runs", container=container, settings=settings)
    containers.restart(name=f"Restart {name} for its new configuration", container=container, settings=settings)
    containers.start(name=f"Start {name}", container=container, settings=settings)
