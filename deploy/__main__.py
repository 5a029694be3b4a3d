"""The whole story: `pyinfra INVENTORY deploy/` runs this once for each machine of the inventory.

LXC hosts get their network and their containers, and what copies the backups of those. Then, behind a barrier, each container gets the parts of its kind. Behind
another one follows what takes several containers, such as the backups of one in another.
"""

from functools import partial

from pyinfra.context import host

from deploy.backups.copies import deploy as copies
from deploy.lxc import deploy as lxc
from deploy.lxc.container.operations import booted, has_booted
from deploy.machine import command_line
from deploy.machine.look import begin
from deploy.machine.part import check_parts, deploy_afterwards, deploy_parts, deployed
from deploy.machine.turns import take_turn
from deploy.model.inventory import settings_of
from deploy.parts import PARTS

settings = settings_of(host.inventory, command_line.inventory)
take_turn()

if host.name in settings.hosts:
    lxc.deploy_host(settings)
    copies.deploy_host(settings)

container = settings.containers.get(host.name)
parts = PARTS[type(container)] if container else ()
asks = [ask for part in parts for ask in part.deploy.questions(container)]
if container:
    begin(partial(has_booted, asks))
    check_parts(parts, container, settings)

# pyinfra would interleave the operations of machines that share none: this one is everybody's.
booted(name="Wait until the containers have booted", asks=asks)

if container:
    deploy_parts(parts, container, settings)

deployed(name="Wait until the containers have their parts")

if container:
    deploy_afterwards(parts, container, settings)
