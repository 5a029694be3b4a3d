"""The side of a copy: a container that the backups of an event store are restored into, beside the event store itself.

Its pgBackRest reads the repository and nothing else: it archives nothing, and nobody connects to it for backups.
"""

import json

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.backups import operations as backups
from deploy.backups import restoring
from deploy.backups.config import (
    FOLDER,
    PROGRAM,
    SCRATCH_OF_COPY,
    SERVER_SETTINGS,
    STATE_OF_COPY,
    copy_configuration,
    program_texts,
)
from deploy.machine import operations as machine
from deploy.machine.files import Entries, File, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.services import Services
from deploy.machine.status import Row, State
from deploy.model.backup_repositories import BackupRepository
from deploy.model.backups import BACKUP_UNIT, CONFIGURATION
from deploy.model.cluster import VOLUME, ClusterPaths
from deploy.model.event_stores import EventStore

#: For drills in the container.
_FOLDERS = [STATE_OF_COPY, SCRATCH_OF_COPY]


def questions(copy: EventStore) -> list[Ask]:
    """What the operations of `deploy_copy` are going to ask."""
    return [
        Ask(Entries, paths=restoring.leftovers(ClusterPaths(copy.version))),
        Ask(Entries, paths=[FOLDER]),
        Ask(Entries, paths=[VOLUME]),
        *(Ask(ManagedFile, path=path) for path in (CONFIGURATION, SERVER_SETTINGS, *program_texts())),
        Ask(Entries, paths=_FOLDERS),
        Ask(Services, units=[BACKUP_UNIT]),
    ]


@deploy("Backups that are read")
def deploy_copy(copy: EventStore, repository: BackupRepository) -> None:
    """Have the container reach the backups, and nothing of its own in them."""
    restoring.settle(
        name="Put in order what a restore has left", stanza=str(copy.copy_of), paths=ClusterPaths(copy.version)
    )
    machine.have_folders(name="Open the folder of pgBackRest", paths=[FOLDER])
    machine.have_folders(name="Open the data volume", paths=[VOLUME])
    machine.have_private_folders(
        name="Have the folders for drills", folders=dict.fromkeys(_FOLDERS, "postgres:postgres"), mode="750"
    )
    texts = {CONFIGURATION: copy_configuration(copy, repository), **program_texts()}
    for path, text in host.loop(texts.items()):
        mode = "755" if path == PROGRAM else "644"
        machine.install(name=f"Write {path}", path=path, content=text, mode=mode)
    machine.remove(name="Have nothing for a server of pgBackRest", path=SERVER_SETTINGS)
    backups.be_silent(name="Listen for nobody")


def status_questions(copy: EventStore) -> list[Ask]:
    """What the data say of themselves."""
    return [Ask(ManagedFile, path=restoring.mark_of_copy(ClusterPaths(copy.version)))]


def row(copy: EventStore, mark: File | None) -> Row:
    """Its own row, which also tells that this is no event store of its own; ``mark``: what the data say."""
    if mark is None:
        what = f"nothing was restored into it yet; `make restore INTO={copy.lxc_name}` does it"
    else:
        said = json.loads(mark.content)
        place = f"up to {said['lsn']}" if said["lsn"] else "with all WAL that was archived"
        what = f"restored at {said['at']} from backup {said['label']}, {place}; it has no worker, and archives nothing"
    return Row("copy", f"of {copy.copy_of}", State.WELL, what)
