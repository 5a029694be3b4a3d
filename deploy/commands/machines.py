"""The machines of an inventory, for commands that ask them: over the connectors that a deploy uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from pyinfra.api import Config, Host, Inventory, State, StringCommand
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.state import StateStage

from deploy.machine.connectors.arguments import connector_arguments
from deploy.machine.questions import Ask, Bulk
from deploy.model.inventory import Entry

#: Seconds for all that is asked of one machine in one go.
_TIMEOUT: Final = 30


@dataclass(frozen=True)
class Told:
    """What a machine said."""

    facts: Mapping[Any, list[Any] | None] = field(default_factory=dict)
    """Topic → the facts that were asked for; None if one of the questions was not answered."""
    unreached: str = ""
    """Why the machine said nothing at all."""


class Machines:
    """Connects only to machines that something is asked of."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        # With all machines: how a container's host is reached is in that one's own entry.
        self._inventory = Inventory(([(entry.name, dict(entry.data)) for entry in entries], {}))
        self._state = State(self._inventory, Config())
        # Before this stage a container that does not run reads as a blank machine.
        self._state.set_stage(StateStage.Execute)

    def connected(self, name: str) -> Host:
        """A machine, connected. Raises `ConnectError` if it cannot be reached."""
        host: Host = self._inventory.get_host(name)
        host.connect(show_errors=False, raise_exceptions=True)
        return host

    def ask(self, questions: Mapping[str, Mapping[Any, list[Ask]]]) -> dict[str, Told]:
        """Machine → topic → what to ask there. All machines are asked at once, each in one go."""
        asked = {name: self._state.pool.spawn(self._ask, name, topics) for name, topics in questions.items()}
        return {name: greenlet.get() for name, greenlet in asked.items()}

    def _ask(self, name: str, topics: Mapping[Any, list[Ask]]) -> Told:
        script = Bulk.script([ask.command() for asks in topics.values() for ask in asks])
        try:
            host = self.connected(name)
            # Over standard input, so that the questions are in no process list.
            arguments = connector_arguments(host) | {"_timeout": _TIMEOUT, "_stdin": script}
            _, output = host.run_shell_command(StringCommand('eval "$(cat)"'), **arguments)
        except (ConnectError, OSError, EOFError) as error:  # a timeout is an OSError
            return Told(unreached=f"{name} cannot be reached: {error}")
        answers, numbers = Bulk().process(list(output.stdout_lines)), count()
        return Told(
            {topic: _facts([(ask, answers.get(next(numbers))) for ask in asks]) for topic, asks in topics.items()}
        )


def _facts(said: list[tuple[Ask, list[str] | None]]) -> list[Any] | None:
    """The facts that the answers are; None if one is missing."""
    if any(lines is None for _, lines in said):
        return None
    return [ask.understood(lines) for ask, lines in said]
