"""What a part says of its own state, for `event-store status`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Protocol

from deploy.machine.questions import Ask


class State(IntEnum):
    """How well something is. The values are the exit statuses of `event-store status`: the highest one counts."""

    WELL = 0
    UNKNOWN = 1
    DEGRADED = 2
    DOWN = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Row:
    """One thing that is well or not."""

    kind: str
    """For example ``worker``."""
    name: str
    state: State
    detail: str
    """What is known of it; if it is not well, what to do."""


class Status(Protocol):
    """The module ``deploy.<part>.status`` of a part of a container."""

    @property
    def questions(self) -> Callable[[Any], list[Ask]]:
        """(container) → what to ask in it. Nothing of it may change anything."""

    @property
    def rows(self) -> Callable[..., list[Row]]:
        """(container, answers): the part's rows; ``answers`` in the order of the questions.

        Of a container that does not run, the answers are the facts' defaults.
        """


def defaults(asks: Iterable[Ask]) -> list[Any]:
    """The facts of a machine on which there is nothing."""
    return [ask.understood(None) for ask in asks]


def unknown(rows: Iterable[Row], detail: str) -> list[Row]:
    """The same rows of what cannot be asked, and why."""
    return [replace(row, state=State.UNKNOWN, detail=detail) for row in rows]
