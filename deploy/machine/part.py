"""What a part of a container is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deploy.machine.questions import Ask
from deploy.machine.status import Status
from deploy.model.settings import Settings


class Deploy(Protocol):
    """The module ``deploy.<part>.deploy``. A part takes the kinds of containers that have it."""

    @property
    def questions(self) -> Callable[[Any], list[Ask]]:
        """(container) → what the part's operations are going to ask in it, so that all of it is asked in one go."""

    @property
    def deploy_part(self) -> Callable[..., Any]:
        """(container, settings): brings the part to what is declared."""


@dataclass(frozen=True)
class Part:
    """How a part is deployed, and how it is; ``status`` is None if `event-store status` has no rows of it."""

    deploy: Deploy
    status: Status | None = None


def deploy_parts(parts: Sequence[Part], container: Any, settings: Settings) -> None:
    """Deploy one part after the other.

    pyinfra orders operations by the line numbers of the calls that lead to them. A loop calls all parts from one line,
    and their operations would mingle. So each part is called from one call deeper than the one before it.
    """
    if parts:
        parts[0].deploy.deploy_part(container=container, settings=settings)
        deploy_parts(parts[1:], container, settings)
