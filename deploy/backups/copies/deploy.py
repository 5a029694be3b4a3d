"""Copies of the repositories of backups, made by their LXC host to where no container can write."""

from collections.abc import Sequence

from pyinfra.api import deploy
from pyinfra.context import host

from deploy.backups.copies import operations as copies
from deploy.backups.copies.config import PACKAGES, PROGRAM, program_texts, texts, timer_of
from deploy.machine import operations as machine
from deploy.machine.facts import MachineFact, Packages
from deploy.machine.files import Entries, ManagedFile
from deploy.machine.look import ahead
from deploy.machine.questions import Ask
from deploy.machine.services import Services
from deploy.model.backup_repositories import BackupRepository
from deploy.model.settings import Settings


def deploy_host(settings: Settings) -> None:
    """Have the current machine, an LXC host, copy the repositories that run on it."""
    repositories = [one for one in settings.repositories if one.lxc_host == host.name]
    if repositories:
        _install_program(asks=_questions(repositories, settings))
    # Over all of them, so that each has operations of its own in the plan, whichever host it is on.
    for repository in host.loop(settings.repositories):
        if repository in repositories:
            _copy_repository(repository=repository, settings=settings)


def _questions(repositories: Sequence[BackupRepository], settings: Settings) -> list[Ask]:
    copied = [one for one in repositories if one.is_copied]
    paths = [*program_texts(), *(path for one in copied for path in texts(one, settings))]
    return [
        Ask(MachineFact),
        Ask(Packages, names=PACKAGES),
        *(Ask(ManagedFile, path=path) for path in paths),
        *(Ask(Services, units=[timer_of(one)]) for one in copied),
        *(Ask(Entries, paths=[*texts(one, settings)]) for one in repositories if not one.is_copied),
    ]


@deploy("Program that copies repositories")
def _install_program(asks: list[Ask]) -> None:
    ahead(name="Look at the copies", asks=asks)
    machine.install_packages(name="Install what copies repositories", packages=PACKAGES)
    for path, text in host.loop(program_texts().items()):
        machine.install(name=f"Write {path}", path=path, content=text, mode="755" if path == PROGRAM else "644")


@deploy("Copies of a repository")
def _copy_repository(repository: BackupRepository, settings: Settings) -> None:
    wanted, unit = texts(repository, settings), timer_of(repository)
    if not repository.is_copied:
        copies.forget(name=f"Make no copies of {repository.lxc_name}", unit=unit, files=list(wanted))
        return
    for path, text in host.loop(wanted.items()):
        machine.install(name=f"Write {path}", path=path, content=text)
    copies.run_timer(name=f"Run {unit}", unit=unit, files=list(wanted))


def forget(repository: BackupRepository, settings: Settings) -> None:
    """Have the current machine make no copies of a repository any more. Those that there are stay."""
    [shown] = repository.read_only_mounts(settings.host_of(repository).storage_path)
    name = repository.lxc_name
    files = [*texts(repository, settings)]
    copies.forget(name=f"Make no copies of {name} any more", unit=timer_of(repository), files=files)
    copies.remove_empty(name=f"Remove the folder for copies of {name} if it is empty", folder=shown)
