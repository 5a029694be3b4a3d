"""Facts, remembered until something changes and asked for in bulk.

pyinfra asks for each fact again each time, with a process of its own; entering a container costs ten times what looking at a
file in there does. So a deploy says ahead what its operations are going to look at, and all of it is asked in one go.
Operations need not know: what was not asked ahead, or was before something changed, is asked when they look.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host, state

from deploy.machine.differences import Commands

_END: Final = "!end-of-fact"


class Ask:
    """A fact with its arguments."""

    def __init__(self, fact: type[FactBase[Any]], **arguments: object) -> None:
        self.fact = fact
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"{self.fact.__name__}({', '.join(map(str, self.arguments.values()))})"

    def command(self) -> StringCommand:
        """The fact's own command, whichever form it has."""
        make: Callable[..., str | StringCommand] = self.fact().command
        return StringCommand(make(**self.arguments))

    @property
    def key(self) -> tuple[object, ...]:
        """Names the answer, for as long as no operation has changed anything on this machine."""
        changes = sum(data.operation_meta.executed for data in state.ops[host].values())
        return (state.current_stage, changes, self.fact, repr(sorted(self.arguments.items())))


@dataclass(frozen=True)
class Answer:
    """What one command in a bulk printed."""

    status: int
    lines: list[str]


class Bulk(FactBase[list[Answer]]):
    """The answers to many commands, in their order."""

    @staticmethod
    def default() -> list[Answer]:
        """A machine that is not there answers nothing."""
        return []

    def command(self, asks: list[Ask]) -> StringCommand:
        """Each in a subshell, with its status behind its output."""
        script = "".join(
            f"(\n{ask.command().get_raw_value()}\n) 2>/dev/null; printf '\\n{_END} %d\\n' $?\n" for ask in asks
        )
        # Encoded, because quotes within quotes (sudo, lxc-attach, sh) would grow beyond what one argument can hold.
        encoded = base64.b64encode(script.encode()).decode()
        return StringCommand(f'eval "$(echo {encoded} | base64 -d)"')

    def process(self, output: list[str]) -> list[Answer]:
        """The end's line starts with a line end of its own, which leaves an empty line behind complete output."""
        answers, lines = [], list[str]()
        for line in output:
            if not line.startswith(_END):
                lines.append(line)
                continue
            answers.append(Answer(int(line.split()[1]), lines[:-1] if lines and not lines[-1] else lines))
            lines = []
        return answers


def look(fact: type[FactBase[Any]], **arguments: object) -> Any:
    """The fact's answer on the current machine, from before if nothing has changed there since."""
    answers: dict[object, Any] = host.connector_data.setdefault("answers", {})
    key = Ask(fact, **{name: value for name, value in arguments.items() if not name.startswith("_")}).key
    if key not in answers:
        answer = host.get_fact(fact, **arguments)
        if host in state.failed_hosts and not arguments.get("_ignore_errors"):
            # pyinfra goes on with the fact's default, which reads as a blank machine: that must not be acted on.
            raise PyinfraError(f"{host.name}: {fact.__name__} cannot be determined; nothing more is changed")
        answers[key] = answer
    return answers[key]


def ask_ahead(asks: list[Ask]) -> None:
    """Ask many facts at once. A question that failed is asked again by who wants to know, and fails there."""
    answers: dict[object, Any] = host.connector_data.setdefault("answers", {})
    bulk: Any = Bulk
    for ask, answer in zip(asks, host.get_fact(bulk, asks=asks, _ignore_errors=True), strict=False):
        if answer.status == 0:
            fact = ask.fact()
            answers[ask.key] = fact.process(answer.lines) if answer.lines else fact.default()


def forget() -> None:
    """Remember nothing of the current machine any more."""
    host.connector_data.pop("answers", None)


@operation()
def ahead(asks: list[Ask]) -> Commands:
    """`ask_ahead`, in its place among the operations."""
    ask_ahead(asks)
    yield from ()
