"""What a file on a machine looks like."""

import base64
from dataclasses import dataclass

from pyinfra.api import FactBase, QuoteString, StringCommand


@dataclass(frozen=True)
class File:
    """A regular file: its bytes, mode (``"644"``) and owner (``"root:root"``)."""

    content: bytes
    mode: str
    owner: str


class ManagedFile(FactBase[File | None]):
    """A small file with its content; None where there is no regular file of that name."""

    def command(self, path: str) -> StringCommand:
        """Mode and owner in the first line, the content as base64 after it."""
        quoted = QuoteString(path)
        return StringCommand("[ ! -f", quoted, "] || { stat -L -c '%a %U:%G' --", quoted, "; base64 --", quoted, "; }")

    def process(self, output: list[str]) -> File:
        """See `command`."""
        mode, owner = output[0].split()
        return File(base64.b64decode("".join(output[1:])), mode, owner)


class Packages(FactBase[dict[str, bool]]):
    """Which of some Debian packages are there: name → installed and configured."""

    @staticmethod
    def default() -> dict[str, bool]:
        """A blank machine."""
        return {}

    def command(self, names: list[str]) -> StringCommand:
        """dpkg's own database; a name that it does not know is no failure."""
        quoted = [QuoteString(name) for name in names]
        return StringCommand("dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n'", *quoted, "2>/dev/null || true")

    def process(self, output: list[str]) -> dict[str, bool]:
        """``ii`` is the state of a package that needs nothing more."""
        return {line.split()[0]: line.split()[1] == "ii" for line in output if len(line.split()) > 1}
