"""What a part of a container is: a module that knows what it is going to ask, and deploys."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from deploy.machine.questions import Ask
from deploy.model.settings import Settings


class Part(Protocol):
    """The module ``deploy.<part>.deploy``. A part takes the kinds of containers that have it."""

    @property
    def questions(self) -> Callable[[Any], list[Ask]]:
        """(container) → what the part's operations are going to ask in it, so that all of it is asked in one go."""

    @property
    def deploy_part(self) -> Callable[..., Any]:
        """(container, settings): brings the part to what is declared."""


def deploy_parts(parts: Sequence[Part], container: Any, settings: Settings) -> None:
    """Deploy one part after the other.

    pyinfra orders operations by the line numbers of the calls that lead to them. A loop calls all parts from one line,
    and their operations would mingle. So each part is called from one call deeper than the one before it.
    """
    parts[0].deploy_part(container=container, settings=settings)
    if len(parts) > 1:
        deploy_parts(parts[1:], container, settings)
