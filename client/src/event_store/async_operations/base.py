"""What all operations stand on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from event_store.events import NewEvent
from event_store.statements import Statement

T = TypeVar("T")


class AsyncRunner(ABC):
    """Something that can run a statement: a store or a session."""

    @abstractmethod
    async def run(self, statement: Statement[T]) -> T:
        """Run one statement and return its answer."""

    def _to_append(self, events: Sequence[NewEvent]) -> Sequence[NewEvent]:
        """The events as they are appended."""
        return events
