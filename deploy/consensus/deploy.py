"""Consensus: a member of the etcd cluster that event stores agree by.

Files come first, in all containers. What follows depends on the other members, and comes behind the barrier: a new cluster
is begun by all of them together, and everything else is done by one after the other.
"""

import secrets
from typing import Final

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.consensus import membership
from deploy.consensus import operations as consensus
from deploy.consensus.addresses import check_addresses
from deploy.consensus.config import DATA, SNAPSHOTS, TIMER, texts
from deploy.consensus.facts import MemberFact
from deploy.machine import operations as machine
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.services import Services
from deploy.model.consensus import PROGRAM, UNIT, VOLUME, ConsensusMember
from deploy.model.settings import Settings

#: Folder → who alone may enter it: both have all that the members keep.
_FOLDERS: Final = {DATA: "etcd:etcd", SNAPSHOTS: "root:root"}
#: Tells a cluster that this run begins from any other that has ever been begun, also by the same members.
_TOKEN: Final = secrets.token_hex(8)


def questions(container: ConsensusMember) -> list[Ask]:
    """What the operations of this part are going to ask."""
    return [
        Ask(Entries, paths=[VOLUME]),
        Ask(Entries, paths=[*_FOLDERS]),
        *(Ask(ManagedFile, path=path) for path in texts(container, [])),
        Ask(Services, units=[TIMER]),
        Ask(Services, units=[UNIT]),
        Ask(Entries, paths=consensus.read_at_start(container)),
        Ask(MemberFact),
    ]


def check(container: ConsensusMember, settings: Settings) -> None:
    """Refuse what would cost the majority before the first container restarts."""
    check_addresses(container, settings.members)


@deploy("Consensus")
def deploy_part(container: ConsensusMember, settings: Settings) -> None:
    """Have the files of a member, and its snapshots made."""
    machine.have_folders(name="Open the data volume", paths=[VOLUME])
    machine.have_private_folders(name="Have the folders of data and snapshots", folders=_FOLDERS, mode="700")
    others = [one for one in settings.members if one is not container]
    for path, text in host.loop(texts(container, others).items()):
        machine.install(name=f"Write {path}", path=path, content=text, mode="755" if path == PROGRAM else "644")
    machine.enable(name="Make snapshots every hour", unit=TIMER)


@deploy("Members of the consensus")
def deploy_afterwards(container: ConsensusMember, settings: Settings) -> None:
    """Have the members that are declared, and no others; never fewer at once than it takes."""
    one, members = container, settings.members
    membership.begin_together(name="Begin a new cluster together", member=one, members=members, token=_TOKEN)
    consensus.start(name="Start etcd", member=one)
    consensus.wait(name="Wait until etcd answers", member=one)
    membership.have_no_others(
        name="End memberships of who is gone", member=one, members=members, alive=False, _serial=True
    )
    membership.join(name="Join the other members", member=one, members=members, _serial=True)
    membership.have_no_others(
        name="End memberships of who is not declared", member=one, members=members, alive=True, _serial=True
    )
    consensus.restart(
        name="Restart etcd for its new configuration",
        member=one,
        read=consensus.read_at_start(one),
        _serial=True,
    )
