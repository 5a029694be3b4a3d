"""What a part of a container is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pyinfra.api import operation
from pyinfra.context import host

from deploy.machine.differences import Commands
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
    afterwards: Callable[..., Any] | None = None
    """(container, settings): what of the part needs the parts of other machines, which are deployed by then."""
    check: Callable[..., Any] | None = None
    """(container, settings): looks while the plan is made, and refuses what must not even begin; no operation."""


def check_parts(parts: Sequence[Part], container: Any, settings: Settings) -> None:
    """Refuse for all machines, before anything is touched, what must not even begin."""
    for part in parts:
        if part.check:
            part.check(container=container, settings=settings)


def deploy_parts(parts: Sequence[Part], container: Any, settings: Settings) -> None:
    """Deploy one part after the other.

    pyinfra orders operations by the line numbers of the calls that lead to them. A loop calls all parts from one line,
    and their operations would mingle. So each part is called from one call deeper than the one before it.
    """
    if parts:
        parts[0].deploy.deploy_part(container=container, settings=settings)
        deploy_parts(parts[1:], container, settings)


@operation()
def deployed() -> Commands:
    """The barrier before what needs other machines: every machine calls it on the same line."""
    host.noop("its parts are deployed")
    yield from ()


def deploy_afterwards(parts: Sequence[Part], container: Any, settings: Settings) -> None:
    """Deploy what of the parts needs other machines; nested for the same reason as `deploy_parts`."""
    if parts:
        if parts[0].afterwards:
            parts[0].afterwards(container=container, settings=settings)
        deploy_afterwards(parts[1:], container, settings)
