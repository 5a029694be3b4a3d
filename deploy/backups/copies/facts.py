"""What an LXC host has of copies."""

import json
from dataclasses import dataclass, field

from pyinfra.api import FactBase, QuoteString, StringCommand

from deploy.backups.copies.config import PROGRAM


@dataclass(frozen=True)
class Copies:
    """The copies of one repository, as the program on its host reports them."""

    stores: list[str]
    """The event stores that are backed up there."""
    names: list[str]
    """All whole ones, the oldest first: their time, and ``.failed`` or ``.unproven`` behind it if they are that."""
    problems: list[str] = field(default_factory=list)
    """What was wrong with the last one, or why it could not be made."""
    drilled: dict[str, str] = field(default_factory=dict)
    """Event store → the copy that a drill has restored last."""
    timer: bool = True
    """systemd is PID 1, and so can start the program by itself."""


class CopiesFact(FactBase[Copies | None]):
    """See `Copies`; None if the program is not there."""

    def command(self, repository: str) -> StringCommand:
        """One JSON object."""
        return StringCommand(f"[ ! -x {PROGRAM} ] || {PROGRAM} status", QuoteString(repository))

    def process(self, output: list[str]) -> Copies:
        """See `command`."""
        return Copies(**json.loads("".join(output)))
