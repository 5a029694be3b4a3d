"""What a machine's files and folders look like."""

import base64
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.machine.questions import Ask


@dataclass(frozen=True)
class File:
    """A regular file: its bytes, mode (``"644"``) and owner (``"root:root"``)."""

    content: bytes
    mode: str
    owner: str


@dataclass(frozen=True)
class Files:
    """Several files with one command: three processes instead of two for each file."""

    def command(self, asks: Sequence[Ask]) -> str:
        """A line with + or - for each file: is it there? Then size, mode and owner of each that is, then all contents."""
        paths = StringCommand(*[QuoteString(str(ask.arguments["path"])) for ask in asks]).get_raw_value()
        return (
            f'set --; for path in {paths}; do if [ -f "$path" ]; then set -- "$@" "$path"; echo +; else echo -; fi; done\n'
            '[ $# = 0 ] || { stat -L -c \'%s %a %U:%G\' -- "$@" && cat -- "$@" | base64 --wrap=0; }'
        )

    def split(self, output: list[str], asks: Sequence[Ask]) -> list[list[str]]:
        """As `ManagedFile.command` prints it; nothing if a file changed between its size and its content."""
        count = len(asks)
        there = output[:count].count("+")
        metadata = [line.split(" ", 1) for line in output[count : count + there]]
        contents = base64.b64decode("".join(output[count + there :]))
        if sum(int(size) for size, _ in metadata) != len(contents):
            return []
        parts, end = [], 0
        for size, rest in metadata:
            start, end = end, end + int(size)
            parts.append([rest, base64.b64encode(contents[start:end]).decode()])
        return [parts.pop(0) if mark == "+" else [] for mark in output[:count]]


class ManagedFile(FactBase[File | None]):
    """A small file with its content; None if there is no regular file of that name."""

    def command(self, path: str) -> StringCommand:
        """Mode and owner in the first line, the content as base64 after it."""
        quoted = QuoteString(path)
        return StringCommand("[ ! -f", quoted, "] || { stat -L -c '%a %U:%G' --", quoted, "; base64 --", quoted, "; }")

    def together(self, path: str) -> Files:  # noqa: ARG002  files of any path
        """See `Files`."""
        return Files()

    def process(self, output: list[str]) -> File:
        """See `command`."""
        mode, owner = output[0].split()
        return File(base64.b64decode("".join(output[1:])), mode, owner)


@dataclass(frozen=True)
class Entry:
    """A file or a folder: its mode (``"755"``), when it was written, in seconds since 1970, and its owner (``"root:root"``)."""

    folder: bool
    mode: str
    modified: Decimal
    owner: str = "root:root"


@dataclass(frozen=True)
class Stat:
    """All with one process."""

    def command(self, asks: Sequence[Ask]) -> str:
        """Each path once."""
        return (
            Entries().command(list(dict.fromkeys(path for ask in asks for path in ask.names("paths")))).get_raw_value()
        )

    def split(self, output: list[str], asks: Sequence[Ask]) -> list[list[str]]:
        """By the path at the end of each line."""
        return [[line for line in output if line.split(" ", 4)[4] in ask.names("paths")] for ask in asks]


class Entries(FactBase[dict[str, Entry]]):
    """What there is of some paths: path → `Entry`; without those that are not there."""

    @staticmethod
    def default() -> dict[str, Entry]:
        """A blank machine."""
        return {}

    def command(self, paths: list[str]) -> StringCommand:
        """A line for each."""
        return StringCommand("stat -L -c '%.9Y %a %U:%G %f %n' --", *map(QuoteString, paths), "2>/dev/null || true")

    def together(self, paths: list[str]) -> Stat:  # noqa: ARG002  of any paths
        """See `Stat`."""
        return Stat()

    def process(self, output: list[str]) -> dict[str, Entry]:
        """See `command`."""
        lines = [line.split(" ", 4) for line in output]
        return {
            path: Entry(stat.S_ISDIR(int(kind, 16)), mode, Decimal(modified), owner)
            for modified, mode, owner, kind, path in lines
        }
