"""Programs in a container that a command runs, over the connectors that a deploy uses."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.exceptions import ConnectError

from deploy.backups.config import PROGRAM
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.machines import Machines
from deploy.machine.psql import AS_POSTGRES
from deploy.model.backup_repositories import BackupRepository
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.inventory import Entry
from deploy.model.settings import Settings


class Inside:
    """A container, connected to until this object is gone."""

    def __init__(self, entries: Iterable[Entry], container: Container) -> None:
        """Raises `CommandError` if the container's host cannot be reached."""
        try:
            self._host = Machines(entries).connected(container.name)
        except ConnectError as error:
            raise CommandError(f"{container.name}: its host {container.lxc_host} cannot be reached: {error}") from None

    def run(self, command: StringCommand, *, show: bool = False) -> list[str]:
        """What a command prints; with ``show`` it is shown while it comes. Raises `CommandError` with what it complains of."""
        done, output = self._host.run_shell_command(command, print_output=show, **command.connector_arguments)
        if not done:
            said = "" if show else f"\n{output.stderr or output.stdout}"
            raise CommandError(f"{self._host.name}: that failed{said}")
        return list(output.stdout_lines)


def repository_of(settings: Settings, container: str | None) -> tuple[EventStore, BackupRepository]:
    """An event store and where its backups are. Raises `CommandError` if it has none."""
    backed_up = [store for store in settings.event_stores if store.backup_repository]
    if not container and len(backed_up) == 1:
        container = backed_up[0].name
    store = choose_event_store(settings, container)
    repository = settings.repository_of(store)
    if repository is None:
        raise CommandError(f'{settings.file}: {store.name} is not backed up; give it a "backup_repository", and deploy')
    return store, repository


def of_backups(*arguments: str) -> StringCommand:
    """A command line of the program that makes, keeps and checks backups."""
    return StringCommand(f"cd / && {AS_POSTGRES} {PROGRAM}", *map(QuoteString, arguments))
