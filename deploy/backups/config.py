"""The texts of the files for backups, in event stores and in their repositories."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.machine.render import render
from deploy.model.backup_repositories import VOLUME, BackupRepository
from deploy.model.backups import BACKUP_PORT, BACKUP_UNIT, CONFIGURATION
from deploy.model.cluster import VOLUME as VOLUME_OF_COPY
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import PORT, EventStore
from deploy.model.settings import Settings

#: What pgBackRest is configured by: this file, and those in the folder beside it.
FOLDER: Final = CONFIGURATION.rpartition("/")[0]
#: What the repository is encrypted with; nowhere but in its container and with the operator's secrets.
KEY_FILE: Final = f"{FOLDER}/conf.d/key.conf"
#: What opens the bucket that the repository is in, and what its storage is checked by.
STORAGE_KEY_FILE: Final = f"{FOLDER}/conf.d/object-storage.conf"
STORAGE_AUTHORITIES: Final = f"{FOLDER}/object-storage.crt"
SERVER_SETTINGS: Final = f"/etc/systemd/system/{BACKUP_UNIT}.d/event-store.conf"
_RUN: Final = "event-store-backup-server"
#: Written when the process that listens reads its files.
LOADED: Final = f"/run/{_RUN}/loaded"
#: pgBackRest's own place would be in /tmp, where anybody could make it first.
_LOCKS: Final = "/var/spool/pgbackrest/lock"
REPOSITORY: Final = f"{VOLUME}/repository"
STATE: Final = f"{VOLUME}/state"
SCRATCH: Final = f"{VOLUME}/scratch"
#: The same in a copy's container.
STATE_OF_COPY: Final = f"{VOLUME_OF_COPY}/state"
SCRATCH_OF_COPY: Final = f"{VOLUME_OF_COPY}/scratch"
#: What runs in a repository's container, and in a copy's.
_LIBRARY: Final = "/usr/local/lib/event-store"
_PACKAGE: Final = "event_store_backups"
PROGRAM: Final = "/usr/local/sbin/event-store-backups"
_SOURCES: Final = Path(__file__).with_name("program")
FIRST_UNIT: Final = "event-store-backup-first.service"
#: What runs by schedule → what it is for, and the arguments of the program.
_JOBS: Final[Mapping[str, tuple[str, str]]] = {
    "backup-full": ("full backups", "backup full"),
    "backup-differential": ("differential backups", "backup diff"),
    "backup-incremental": ("incremental backups", "backup incr"),
    "verify": ("verify the backups", "verify"),
    "drill": ("restore the backups, and look at what that gives", "drill"),
}
TIMERS: Final = [f"event-store-{job}.timer" for job in _JOBS]


def key_text(key: str) -> str:
    """The text of `KEY_FILE`."""
    return f"[global]\nrepo1-cipher-pass={key}\n"


def storage_key_text(key: str, secret: str) -> str:
    """The text of `STORAGE_KEY_FILE`."""
    return f"[global]\nrepo1-s3-key={key}\nrepo1-s3-key-secret={secret}\n"


def fetch_command(pgbackrest: str) -> str:
    """What a server that recovers fetches WAL with; ``pgbackrest``: the command line of `pgbackrest` up to its command.

    pgBackRest ends with 1 for what is not in the archive, and with more for an error. PostgreSQL takes all up to 125 for the end
    of the WAL, and would promote with what it has until then.
    """
    return f'{pgbackrest} archive-get %f "%p" || {{ [ $? = 1 ] && exit 1; exit 255; }}'


def server_texts() -> dict[str, str]:
    """Path → text of what both sides have for the process that listens."""
    return {SERVER_SETTINGS: render("backups/server.conf.j2", folder=_RUN)}


def store_configuration(store: EventStore, repository: BackupRepository) -> str:
    """pgBackRest's configuration in an event store."""
    paths = ClusterPaths(store.version)
    return render(
        "backups/store.conf.j2",
        store=store,
        repository=repository,
        tls=paths.peer,
        paths=paths,
        port=BACKUP_PORT,
        server_port=PORT,
        locks=_LOCKS,
    )


def copy_configuration(copy: EventStore, repository: BackupRepository) -> str:
    """pgBackRest's configuration in a container that the backups of an event store are restored into."""
    paths = ClusterPaths(copy.version)
    return render(
        "backups/copy.conf.j2",
        copy=copy,
        repository=repository,
        tls=paths.peer,
        paths=paths,
        port=BACKUP_PORT,
        server_port=PORT,
        locks=_LOCKS,
    )


def repository_configuration(repository: BackupRepository, settings: Settings) -> str:
    """pgBackRest's configuration in a repository, without its key."""
    return render(
        "backups/repository.conf.j2",
        repository=repository,
        stores=settings.stores_of(repository),
        copies=settings.copies_in(repository),
        folder=REPOSITORY,
        storage_authorities=STORAGE_AUTHORITIES,
        tls=repository.tls_files,
        paths=ClusterPaths(repository.version),
        port=BACKUP_PORT,
        server_port=PORT,
        locks=_LOCKS,
    )


def job_texts(repository: BackupRepository) -> dict[str, str]:
    """Path → text of the units in a repository."""
    schedules = schedules_of(repository)
    texts = {
        f"/etc/systemd/system/{FIRST_UNIT}": _service("the first full backups", "backup full --first", tried_again=True)
    }
    for job, (description, arguments) in _JOBS.items():
        if job == "drill" and repository.is_copied:
            arguments += " --copy newest"  # noqa: PLW2901
        unit = f"/etc/systemd/system/event-store-{job}"
        texts[f"{unit}.service"] = _service(description, arguments)
        texts[f"{unit}.timer"] = render("backups/job.timer.j2", description=description, schedule=schedules[job])
    return texts


def _service(description: str, arguments: str, *, tried_again: bool = False) -> str:
    return render(
        "backups/job.service.j2",
        description=description,
        program=PROGRAM,
        arguments=arguments,
        tried_again=tried_again,
    )


def schedules_of(repository: BackupRepository) -> dict[str, str]:
    """Job → when it runs."""
    times = (
        repository.full_schedule,
        repository.differential_schedule,
        repository.incremental_schedule,
        repository.verify_schedule,
        repository.drill_schedule,
    )
    return dict(zip(_JOBS, times, strict=True))


def program_texts() -> dict[str, str]:
    """Path → text of the program that runs in a repository, and drills in a copy."""
    return installed(_SOURCES, _PACKAGE, PROGRAM)


def installed(sources: Path, package: str, start: str) -> dict[str, str]:
    """Path → text of a program on another machine: the modules in ``sources`` as a package, and what starts it."""
    modules = {f"{_LIBRARY}/{package}/{path.name}": path.read_text(encoding="utf-8") for path in sources.glob("*.py")}
    return {**dict(sorted(modules.items())), start: render("backups/program.py.j2", folder=_LIBRARY, package=package)}
