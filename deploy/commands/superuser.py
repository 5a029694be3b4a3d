"""SQL as the superuser in an event store's container, for commands: over the connectors that a deploy uses."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

from pyinfra.api import Host
from pyinfra.api.exceptions import ConnectError

from deploy.commands.archive import FORK_LINE, SEAL_LINE
from deploy.commands.errors import CommandError
from deploy.commands.machines import Machines
from deploy.machine.psql import psql_once
from deploy.model.event_stores import DATABASE, EventStore
from deploy.model.inventory import read_entries

#: What one statement carries of a file: some thousands of seals, or one with its events.
_PIECE: Final = 4_000_000


class Superuser:
    """Asks the store in one container, again and again over one connection to its host."""

    def __init__(self, file: str, container: EventStore) -> None:
        self._file, self._container = file, container

    @cached_property
    def _host(self) -> Host:
        try:
            return Machines(read_entries(self._file)).connected(self._container.name)
        except ConnectError as error:
            container = self._container
            raise CommandError(f"{container.name}: its host {container.lxc_host} cannot be reached: {error}") from None

    def query(self, sql: str) -> list[str]:
        """The lines that psql prints: one for each row, with `|` between columns.

        Raises `CommandError`, also if the container's host cannot be reached.
        """
        command = psql_once(sql, database=DATABASE)
        done, output = self._host.run_shell_command(command, **command.connector_arguments)
        if not done:
            raise CommandError(f"{self._host.name} refused:\n{output.stderr}")
        return list(output.stdout_lines)

    def compare(self, path: Path, *, with_events: bool = False) -> Iterator[str]:
        """What is in a file of exported seals and not, or not so, in the store.

        ``with_events``: the file is an archive, and whatever it has lost is a difference as well. Raises `OSError` and
        `CommandError`.
        """
        with path.open("rb") as lines:
            try:
                forks = [line for line in lines if line.startswith(FORK_LINE)]
                lines.seek(0)
                for problem in self._verify_export(lines, forks, with_events):
                    yield f"{path}: {problem}"
            except UnicodeDecodeError:
                raise CommandError(
                    f"{path} is not a file of exported seals; export some with `event-store export-seals`"
                ) from None

    def _verify_export(self, lines: Iterable[bytes], forks: list[bytes], with_events: bool) -> Iterator[str]:
        """Piece by piece, each behind the records of ``forks``, which may concern every seal of the file."""
        piece, size, first = list[bytes](), 0, 1
        for line in chain(lines, [None]):
            if piece and (line is None or (size > _PIECE and line.startswith(SEAL_LINE))):
                text = quoted(b"".join([*forks, *piece]).decode())
                yield from self.query(f"""
                    SELECT concat_ws(', ', 'line ' || line - {len(forks)} + {first} - 1, 'seal ' || seal)
                           || format(': %s (%s)', kind, detail)
                      FROM event_store.verify_export({text}{", true" if with_events else ""})
                     WHERE line > {len(forks)}
                """)
                first += len(piece)
                piece, size = [], 0
            if line is not None:
                piece.append(line)
                size += len(line)


def quoted(text: str) -> str:
    """``text`` as an SQL literal, whatever the server's settings and psql make of quotes and backslashes."""
    tag = f"$t{sha256(text.encode()).hexdigest()[:16]}$"
    return f"{tag}{text}{tag}"
