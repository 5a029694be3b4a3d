"""PostgreSQL in a container: packages, cluster on the data volume, configuration, a running server."""

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.lxc.image.recipe import required_packages
from deploy.machine import operations as files
from deploy.machine import services
from deploy.machine.facts import ManagedFile, Packages
from deploy.machine.look import Ask
from deploy.machine.render import render
from deploy.model.settings import Container, Settings
from deploy.postgres import operations as postgres
from deploy.postgres.config import VOLUME, ClusterPaths, pg_hba_conf, postgresql_conf
from deploy.postgres.facts import Certificate, ClusterFact, ServerFact, ServiceFact

_DHCP = "/etc/systemd/network/10-eth0.network"


def questions(container: Container) -> list[Ask]:
    """What the operations of `deploy_system` and `deploy_postgresql` are going to ask."""
    paths = ClusterPaths(container.version)
    files = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", _DHCP]
    files += [f"{paths.conf}/{name}" for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf", "start.conf")]
    return [
        *(Ask(ManagedFile, path=path) for path in files),
        Ask(Packages, names=sorted(required_packages(container))),
        Ask(ClusterFact, version=paths.version, volume=VOLUME),
        Ask(Certificate, tls=paths.tls),
        Ask(ServiceFact, unit=paths.unit),
        Ask(ServerFact, conf=paths.conf, data=paths.data, tls=paths.tls),
    ]


@deploy("System")
def deploy_system(container: Container, settings: Settings) -> None:
    """Have the container's own name, its DNS and its packages."""
    nameservers = settings.host_of(container).nameserver_addresses
    resolv = "".join(f"nameserver {address}\n" for address in nameservers)
    files.install(name="Write the host name", path="/etc/hostname", content=f"{container.lxc_name}\n")
    files.install(name="Write /etc/hosts", path="/etc/hosts", content=render("system/hosts.j2", container=container))
    files.install(name="Write /etc/resolv.conf", path="/etc/resolv.conf", content=resolv)
    if container.address == "dhcp":
        files.install(name="Ask DHCP for an address", path=_DHCP, content=render("system/dhcp.network.j2"))
        services.enable(name="Enable networkd", unit="systemd-networkd.service")
    else:
        files.remove(name="Ask no DHCP", path=_DHCP)
    files.install_packages(name="Install packages", packages=sorted(required_packages(container)))


@deploy("PostgreSQL")
def deploy_postgresql(container: Container, settings: Settings) -> None:
    """Have the server running as declared; restarted only where it says that this is due."""
    paths = ClusterPaths(container.version)
    configuration, access = postgresql_conf(container), pg_hba_conf(container, settings)
    postgres.have_cluster(name="Have the cluster", paths=paths)
    postgres.have_certificate(name="Have the TLS certificate", paths=paths, common_name=container.lxc_name)
    for name, content in host.loop(
        {
            "postgresql.conf": configuration,
            "pg_hba.conf": access,
            "pg_ident.conf": "",
            "start.conf": "auto\n",  # Debian's generator starts such clusters at boot
        }.items()
    ):
        files.install(
            name=f"Write {name}", path=f"{paths.conf}/{name}", content=content, mode="640", owner="postgres:postgres"
        )
    postgres.reset_altered(name="Reset ALTER SYSTEM", paths=paths)
    postgres.start(name="Start PostgreSQL", paths=paths)
    postgres.reload(name="Reload PostgreSQL", paths=paths, configuration=configuration, access=access)
    postgres.restart(name="Restart PostgreSQL", paths=paths, configuration=configuration)
