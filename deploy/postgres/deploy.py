"""PostgreSQL in a container: cluster on the data volume, configuration, a running server."""

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.machine import operations as machine
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.render import render
from deploy.machine.services import Services
from deploy.model.cluster import AT_BOOT, VOLUME, ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings
from deploy.postgres import operations as postgres
from deploy.postgres.config import pg_hba_conf, pg_ident_conf, postgresql_conf
from deploy.postgres.facts import ClusterFact, ServerFact
from deploy.postgres.trial import try_configuration


def questions(container: EventStore) -> list[Ask]:
    """What the operations of `deploy_part` are going to ask."""
    paths = ClusterPaths(container.version)
    names = ("postgresql.conf", "pg_hba.conf", "pg_ident.conf", "start.conf")
    return [
        *(Ask(ManagedFile, path=f"{paths.conf}/{name}") for name in names),
        Ask(ManagedFile, path=paths.unit_settings),
        Ask(Entries, paths=paths.folders),
        Ask(ClusterFact, version=paths.version, volume=VOLUME),
        Ask(Services, units=[paths.unit, AT_BOOT]),
        Ask(ServerFact, conf=paths.conf, data=paths.data, tls=paths.tls.all),
    ]


@deploy("PostgreSQL")
def deploy_part(container: EventStore, settings: Settings) -> None:
    """Have the server running as declared; restarted only if it says that this is due."""
    paths = ClusterPaths(container.version)
    if container.warning:
        host.log(container.warning)
    configuration, access = postgresql_conf(container), pg_hba_conf(container, settings)
    postgres.have_cluster(name="Have the cluster", paths=paths)
    machine.have_folders(name="Open the folders of the cluster", paths=paths.folders)
    try_configuration(
        name="Try the configuration",
        paths=paths,
        configuration=configuration,
        access=access,
        store=container,
        inventory=settings.file,
    )
    machine.install(
        name="Write the settings of the service", path=paths.unit_settings, content=render("postgres/service.conf.j2")
    )
    for name, content in host.loop(
        {
            "postgresql.conf": configuration,
            "pg_hba.conf": access,
            "pg_ident.conf": pg_ident_conf(container),
            "start.conf": "auto\n",  # Debian's generator starts such clusters at boot
        }.items()
    ):
        machine.install(
            name=f"Write {name}", path=f"{paths.conf}/{name}", content=content, mode="640", owner="postgres:postgres"
        )
    postgres.reset_altered(name="Reset ALTER SYSTEM", paths=paths)
    postgres.start(name="Start PostgreSQL", paths=paths)
    postgres.reload(name="Reload PostgreSQL", paths=paths, configuration=configuration, access=access)
    postgres.restart(
        name="Restart PostgreSQL", paths=paths, configuration=configuration, pooled=container.pool is not None
    )
