"""Programs in a container that a command runs, over the connectors that a deploy uses."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.exceptions import ConnectError

from deploy.backups.config import PROGRAM
from deploy.commands.child import run_child
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.machines import Machines
from deploy.machine import openssh
from deploy.machine.connectors.attach import ENVIRONMENT
from deploy.machine.psql import AS_POSTGRES
from deploy.model.backup_repositories import BackupRepository
from deploy.model.containers import Container
from deploy.model.event_stores import EventStore
from deploy.model.inventory import Entry
from deploy.model.settings import Settings

#: On the LXC host, as root: name, file of the inventory, command.
_SCRIPT = """
name=$1 file=$2; shift 2
[ "$(lxc-info -sH -n "$name" 2>/dev/null)" = RUNNING ] || {
    echo "container $name is not running, or you are not root here; \\`make deploy INVENTORY=$file\\` starts it" >&2; exit 1
}
exec lxc-attach -n "$name" --clear-env "$@"
"""


def entering(
    entries: Mapping[str, Entry], container: Container, file: str, command: Sequence[str], *, terminal: bool = False
) -> list[str]:
    """The command line, on this machine, that runs a command in a container as its root, with a clean environment."""
    host, data = container.lxc_host, entries[container.lxc_host].data
    openssh.check(host, data)
    variables = [
        word for one in (*ENVIRONMENT, f"TERM={os.environ.get('TERM', 'dumb')}") for word in ("--set-var", one)
    ]
    attach = ["sh", "-c", _SCRIPT, "shell", container.lxc_name, file, *variables, "--", *command]
    line = ["sudo", *attach] if data.get("_sudo") else attach
    if host == "@local":
        return line
    return [
        "ssh",
        *(["-t"] if terminal else []),
        *openssh.options(data),
        openssh.destination(host, data),
        shlex.join(line),
    ]


def on_host(entries: Mapping[str, Entry], host: str, command: Sequence[str]) -> list[str]:
    """The command line, on this machine, that runs a command on an LXC host as its root."""
    data = entries[host].data
    openssh.check(host, data)
    line = ["sudo", *command] if data.get("_sudo") else [*command]
    if host == "@local":
        return line
    return ["ssh", *openssh.options(data), openssh.destination(host, data), shlex.join(line)]


class Inside:
    """A container, connected to until this object is gone."""

    def __init__(self, entries: Iterable[Entry], container: Container) -> None:
        """Raises `CommandError` if the container's host cannot be reached."""
        try:
            self._host = Machines(entries).connected(container.name)
        except ConnectError as error:
            raise CommandError(f"{container.name}: its host {container.lxc_host} cannot be reached: {error}") from None

    def run(self, command: StringCommand) -> list[str]:
        """What a command prints. Raises `CommandError` with what it complains of."""
        done, output = self._host.run_shell_command(command, **command.connector_arguments)
        if not done:
            raise CommandError(f"{self._host.name}: that failed\n{output.stderr or output.stdout}")
        return list(output.stdout_lines)


def repository_of(settings: Settings, container: str | None) -> tuple[EventStore, BackupRepository]:
    """An event store and where its backups are. Raises `CommandError` if it has none."""
    backed_up = [store for store in settings.event_stores if store.backup_repository]
    if not container and len(backed_up) == 1:
        container = backed_up[0].name
    store = choose_event_store(settings, container)
    repository = settings.repository_of(store)
    if store.copy_of:
        raise CommandError(
            f"{settings.file}: {store.name} is a copy of {store.copy_of}; name {store.copy_of}, whose backups they are, or to restore "
            f"into the copy, INTO={store.lxc_name}"
        )
    if repository is None:
        raise CommandError(f'{settings.file}: {store.name} is not backed up; give it a "backup_repository", and deploy')
    return store, repository


def of_backups(*arguments: str, stdin: str | None = None) -> StringCommand:
    """A command line of the program that makes, keeps and checks backups."""
    words = (f"cd / && {AS_POSTGRES} {PROGRAM}", *map(QuoteString, arguments))
    return StringCommand(*words) if stdin is None else StringCommand(*words, _stdin=stdin)


def follow_backups(entries: Iterable[Entry], container: Container, file: str, *arguments: str) -> int:
    """Run a command line of that program, which says itself how it goes; returns its exit status."""
    command = ["sh", "-c", of_backups(*arguments).get_raw_value()]
    return run_child(entering({entry.name: entry for entry in entries}, container, file, command))


def lines_of(entries: Iterable[Entry], container: Container, file: str, command: StringCommand) -> Iterator[bytes]:
    """The lines that a command prints, as they come, however many there are; what it complains of is for the terminal.

    Raises `CommandError` at their end if it has failed.
    """
    line = entering({entry.name: entry for entry in entries}, container, file, ["sh", "-c", command.get_raw_value()])
    # From a file: a command that prints before it has read everything would wait for the one that reads what it prints.
    with tempfile.TemporaryFile() as stdin:
        stdin.write(str(command.connector_arguments.get("_stdin", "")).encode())
        stdin.seek(0)
        with subprocess.Popen(line, stdin=stdin, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101  asked for above
            yield from process.stdout
    if process.returncode:
        raise CommandError(f"{container.name}: that failed; what is above says why")
