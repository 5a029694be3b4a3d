"""What all operations stand on."""

from abc import ABC, abstractmethod
from typing import TypeVar

from event_store.events import Command
from event_store.statements import Statement

T = TypeVar("T")


class Runner(ABC):
    """Something that can run a statement: a store or a session."""

    @abstractmethod
    def run(self, statement: Statement[T]) -> T:
        """Run one statement and return its answer."""

    def _command(self, command: Command | None) -> Command | None:
        """The command under which events are appended."""
        return command
