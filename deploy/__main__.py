"""The whole story: `pyinfra INVENTORY deploy/` runs this once for each machine of the inventory.

LXC hosts get their network and their containers; then, behind a barrier, containers get PostgreSQL and the event store.
"""

from pyinfra.context import host

from deploy.database import deploy as database
from deploy.lxc import deploy as lxc_host
from deploy.lxc.container import deploy as containers
from deploy.lxc.container import operations as container_operations
from deploy.machine import command_line
from deploy.model.inventory import passwords_of, settings_of
from deploy.postgres import deploy as postgres
from deploy.schema import deploy as schema
from deploy.worker import deploy as worker

settings = settings_of(host.inventory, command_line.inventory)
passwords = passwords_of(command_line.inventory)

if lxc_settings := settings.hosts.get(host.name):
    on_host = settings.containers_on(host.name)
    lxc_host.provision(settings=lxc_settings, containers=on_host)
    containers.build_images(settings=lxc_settings, on_host=on_host)
    # Over all containers, so that each has operations of its own in the plan, whichever host it is on.
    for container in host.loop(settings.containers.values()):
        if container.lxc_host == host.name:
            containers.create(container=container, settings=lxc_settings)

own = settings.containers.get(host.name)
asks = [*postgres.questions(own), *database.questions(), *schema.questions(), *worker.questions()] if own else []

# pyinfra would interleave the operations of machines that share none: this one is everybody's.
container_operations.booted(name="Wait until the containers have booted", asks=asks)

if own:
    postgres.deploy_system(container=own, settings=settings)
    postgres.deploy_postgresql(container=own, settings=settings)
    database.deploy_database(container=own, passwords=passwords)
    schema.deploy_schema(container=own)
    worker.deploy_worker(container=own)
