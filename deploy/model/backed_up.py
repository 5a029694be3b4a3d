"""What is wrong between event stores and the repositories of their backups."""

from collections import Counter

from deploy.model.backup_repositories import DRILL_ROOM, BackupRepository
from deploy.model.event_stores import APPLICATION_ROLE, EventStore
from deploy.model.logins import LOGIN_ROLES
from deploy.model.settings import Settings
from deploy.model.sizes import MIB


def backup_problems(settings: Settings) -> list[str]:
    """Each with file, key, value and remedy."""
    names = Counter(one.lxc_name for one in settings.repositories)
    problems = [
        f"{settings.file}: {count} containers of group backup_repositories have the name {name}; rename them, because event "
        "stores name their repository by it"
        for name, count in names.items()
        if count > 1
    ]
    stanzas = Counter((one.backup_repository, one.lxc_name) for one in settings.event_stores if one.backup_repository)
    problems += [
        f"{settings.file}: {count} event stores with the name {name} have backup_repository = {where!r}; rename one, because "
        "backups are kept by that name"
        for (where, name), count in stanzas.items()
        if count > 1
    ]
    # Its certificate for other containers must not be taken for that of a role.
    problems += [
        f"{settings.file}: {one.name}: its name is that of a role that logs in; rename it"
        for one in settings.containers.values()
        if one.identities and one.lxc_name in (APPLICATION_ROLE, *LOGIN_ROLES)
    ]
    problems += [problem for one in settings.repositories for problem in _problems_of_copies(settings, one)]
    for store in settings.event_stores:
        if store.backup_repository:
            problems += _problems(settings, store, settings.repository_of(store))
        if store.copy_of:
            problems += _problems_of_copy(settings, store)
    return problems


def _problems_of_copies(settings: Settings, repository: BackupRepository) -> list[str]:
    storage = settings.host_of(repository).storage_path
    folder = repository.copies_folder or ""
    return [
        f"{settings.file}: {repository.name}: copies_folder = {folder!r}: {what} are there, and a container could write the "
        f"copies; name a folder elsewhere, or leave the key out"
        for what, path in (("data volumes", f"{storage}/volumes"), ("root file systems", f"{storage}/containers"))
        if f"{folder}/".startswith(f"{path}/")
    ]


def _problems_of_copy(settings: Settings, copy: EventStore) -> list[str]:
    where = f"{settings.file}: {copy.name}: copy_of = {copy.copy_of!r}"
    known = [one for one in settings.event_stores if not one.copy_of]
    sources = [one for one in known if one.lxc_name == copy.copy_of]
    if len(sources) != 1:
        names = ", ".join(one.lxc_name for one in known) or "none"
        what = "there is no such event store" if not sources else f"there are {len(sources)} event stores of that name"
        return [f"{where}: {what} in group event_stores (there: {names}); name one that is no copy itself"]
    [source] = sources
    repository = settings.repository_of(source)
    if repository is None:
        return [f"{where}: {source.name} is not backed up; give it a backup_repository"]
    if source.release != copy.release:
        return [f"{where}: its release is {source.release}, and that of {copy.name} is {copy.release}; make them equal"]
    return _distance(settings, copy, repository, f"{where}, with its backups in {repository.name}")


def _problems(settings: Settings, store: EventStore, repository: BackupRepository | None) -> list[str]:
    where = f"{settings.file}: {store.name}: backup_repository = {store.backup_repository!r}"
    if repository is None:
        known = ", ".join(one.lxc_name for one in settings.repositories) or "none"
        return [
            f"{where}: there is no such container in group backup_repositories (there: {known}); add it, or name another"
        ]
    if repository.release != store.release:
        return [
            f"{where}: its release is {repository.release}, and that of {store.name} is {store.release}: pgBackRest has to be "
            "of the same version in both; give each release a repository of its own"
        ]
    if repository.disk < store.disk + DRILL_ROOM:
        disk, needed = (-(-size // MIB) for size in (repository.disk, store.disk + DRILL_ROOM))
        return [
            f"{where}: a drill restores {store.name} on the data volume of {repository.name}, and for the largest data that "
            f'{store.name} can have, "disk": "{disk}MiB" is too little; give {repository.name} "{needed}MiB" or more'
        ]
    return _distance(settings, store, repository, where)


def _distance(settings: Settings, store: EventStore, repository: BackupRepository, where: str) -> list[str]:
    host, other = settings.host_of(store), settings.host_of(repository)
    apart = host is not other and "managed" in (host.network, other.network)
    if apart and repository.address in host.subnet and store.address != "dhcp" and store.address in other.subnet:
        return [
            f"{where}: both are in {host.subnet}, which is a network of its own on each of {host.name} and {other.name}; "
            'give the hosts subnets that lead to each other, or a bridge that they share ("network": "existing")'
        ]
    return []
