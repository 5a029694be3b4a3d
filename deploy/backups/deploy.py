"""Backups: pgBackRest in an event store, which archives its WAL, and in its repository, which makes and keeps them.

Each listens for the other: the repository reads the event store's files, and the event store writes its WAL into the
repository and reads it back in a restore.
"""

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.backups import operations as backups
from deploy.backups import restored_copy, restoring, secrets
from deploy.backups.config import (
    FIRST_UNIT,
    FOLDER,
    KEY_FILE,
    LOADED,
    PROGRAM,
    REPOSITORY,
    SCRATCH,
    SERVER_SETTINGS,
    STATE,
    STORAGE_AUTHORITIES,
    STORAGE_KEY_FILE,
    TIMERS,
    job_texts,
    program_texts,
    repository_configuration,
    schedules_of,
    server_texts,
    store_configuration,
)
from deploy.backups.facts import Calendar, ForeignBackups, StanzasFact
from deploy.machine import operations as machine
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.secret_files import SecretFileFact
from deploy.machine.services import Services
from deploy.model.backup_repositories import VOLUME, BackupRepository
from deploy.model.backups import BACKUP_UNIT, CONFIGURATION
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings
from deploy.model.tls_files import TlsFiles

_OF_STORES = [CONFIGURATION, SERVER_SETTINGS]


def questions(container: EventStore | BackupRepository) -> list[Ask]:
    """What the operations of `deploy_part` and `have_stanzas` are going to ask."""
    if isinstance(container, BackupRepository):
        return [*_questions_of_listening(_read_by_a_repository(container)), *_questions_of_repository(container)]
    if container.copy_of:
        return restored_copy.questions(container)
    mark = Ask(ManagedFile, path=restoring.mark_of_copy(ClusterPaths(container.version)))
    if container.backup_repository is None:
        return [mark, Ask(Entries, paths=_OF_STORES), Ask(Services, units=[BACKUP_UNIT])]
    return [
        mark,
        Ask(Entries, paths=restoring.leftovers(ClusterPaths(container.version))),
        *_questions_of_listening(_read_by_the_server(_peer(container))),
        Ask(ForeignBackups, **_of_cluster(container)),
    ]


def _of_cluster(store: EventStore) -> dict[str, str]:
    """What `ForeignBackups` is asked."""
    paths = ClusterPaths(store.version)
    return {"stanza": store.lxc_name, "data": paths.data, "programs": paths.programs}


def _questions_of_listening(read: list[str]) -> list[Ask]:
    return [
        Ask(Entries, paths=[FOLDER]),
        *(Ask(ManagedFile, path=path) for path in _OF_STORES),
        Ask(Services, units=[BACKUP_UNIT]),
        Ask(Entries, paths=[*read, LOADED]),
    ]


def _questions_of_repository(repository: BackupRepository) -> list[Ask]:
    jobs = job_texts(repository)
    return [
        Ask(Entries, paths=[VOLUME]),
        Ask(Entries, paths=[REPOSITORY, STATE, SCRATCH]),
        Ask(Entries, paths=[f"{REPOSITORY}/archive"]),
        Ask(SecretFileFact, path=KEY_FILE),
        Ask(SecretFileFact, path=STORAGE_KEY_FILE),
        Ask(ManagedFile, path=STORAGE_AUTHORITIES),
        Ask(Calendar, times=list(_schedules(repository).values())),
        *(Ask(ManagedFile, path=path) for path in (*program_texts(), *jobs)),
        Ask(Services, units=TIMERS),
        Ask(Services, units=[FIRST_UNIT]),
        Ask(StanzasFact),
    ]


def _schedules(repository: BackupRepository) -> dict[str, str]:
    """All of them: that of the copies is the host's, which may have no systemd to be asked."""
    return {**schedules_of(repository), "copy": f"{repository.copy_schedule} UTC"}


def _peer(store: EventStore) -> TlsFiles:
    [identity] = [identity for identity in store.identities if identity.purpose == "peer"]
    return identity.files


def _read_by_the_server(tls: TlsFiles) -> list[str]:
    return [SERVER_SETTINGS, CONFIGURATION, tls.authorities, tls.certificate, tls.key]


def _read_by_a_repository(repository: BackupRepository) -> list[str]:
    storage = [STORAGE_KEY_FILE, STORAGE_AUTHORITIES] if repository.s3_bucket else []
    return [*_read_by_the_server(repository.tls_files), *storage]


@deploy("Backups")
def deploy_part(container: EventStore | BackupRepository, settings: Settings) -> None:
    """Have this side of the backups."""
    if isinstance(container, BackupRepository):
        _deploy_repository(container, settings)
        return
    repository = settings.read_repository_of(container)
    if repository and container.copy_of:
        restored_copy.deploy_copy(copy=container, repository=repository)
        return
    # What it has from now on is its own, and no restore of a copy may replace it.
    machine.remove(name="Forget that it was a copy", path=restoring.mark_of_copy(ClusterPaths(container.version)))
    if repository is None:
        backups.have_none(name="Have no backups", paths=_OF_STORES)
        return
    restoring.settle(
        name="Put in order what a restore has left", stanza=container.lxc_name, paths=ClusterPaths(container.version)
    )
    _listen(store_configuration(container, repository), _read_by_the_server(_peer(container)), somebody=True)


def _listen(configuration: str, read: list[str], *, somebody: bool) -> None:
    """``somebody``: whether there is anybody to let in."""
    machine.have_folders(name="Open the folder of pgBackRest", paths=[FOLDER])
    for path, text in host.loop({**server_texts(), CONFIGURATION: configuration}.items()):
        machine.install(name=f"Write {path}", path=path, content=text)
    if somebody:
        backups.listen(name="Listen for the other side", configurations=read)
    else:
        backups.be_silent(name="Listen for nobody")


def _deploy_repository(repository: BackupRepository, settings: Settings) -> None:
    jobs, program = job_texts(repository), program_texts()
    machine.have_folders(name="Open the data volume", paths=[VOLUME])
    machine.have_private_folders(
        name="Have the folders of the repository",
        folders=dict.fromkeys([REPOSITORY, STATE, SCRATCH], "postgres:postgres"),
        mode="750",
    )
    backups.check_schedules(name="Check the schedules", schedules=_schedules(repository))
    secrets.have_key(
        name="Have the key of the repository", passwords=settings.passwords_of(repository), container=repository.name
    )
    _deploy_storage(repository, settings)
    for path, text in host.loop({**program, **jobs}.items()):
        mode = "755" if path == PROGRAM else "644"
        machine.install(name=f"Write {path}", path=path, content=text, mode=mode)
    somebody = bool(settings.stores_of(repository))  # without one there is no copy either
    _listen(repository_configuration(repository, settings), _read_by_a_repository(repository), somebody=somebody)
    backups.run_timers(name="Run the timers", units=TIMERS, files=list(jobs))


def _deploy_storage(repository: BackupRepository, settings: Settings) -> None:
    secrets.have_storage_key(
        name="Have the keys of the bucket",
        passwords=settings.passwords_of(repository),
        container=repository.name,
        needed=repository.s3_bucket is not None,
    )
    authorities = repository.storage_authorities()
    if authorities:
        machine.install(name=f"Write {STORAGE_AUTHORITIES}", path=STORAGE_AUTHORITIES, content=authorities)
    else:
        machine.remove(name=f"Remove {STORAGE_AUTHORITIES}", path=STORAGE_AUTHORITIES)


@deploy("Backups of the event stores")
def deploy_afterwards(container: EventStore | BackupRepository, settings: Settings) -> None:
    """Have the repository know its event stores. They have to be up."""
    if isinstance(container, BackupRepository):
        stores = [store.lxc_name for store in settings.stores_of(container)]
        backups.have_stanzas(name="Have the backups of the event stores", stores=stores)
    elif container.backup_repository:
        backups.refuse_foreign_backups(
            name="Check whose backups there are",
            repository=container.backup_repository,
            cluster=_of_cluster(container),
        )
