"""Questions to a machine: facts with their arguments, asked one by one or many with one command.

They travel over standard input: they stay out of the process list and of what pyinfra prints, whatever they hold.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, Protocol

from pyinfra.api import FactBase, StringCommand
from pyinfra.api.exceptions import PyinfraError

_END: Final = "!end-of-fact"
#: How many commands of a bulk run side by side on a machine.
_STREAMS: Final = 3


class Ask:
    """A fact with its arguments."""

    def __init__(self, fact: type[FactBase[Any]], **arguments: object) -> None:
        self.fact = fact
        self.arguments = arguments

    def __repr__(self) -> str:
        # pyinfra prints it. Whole files, which may hold secrets, are left out.
        arguments = (text for text in map(str, self.arguments.values()) if "\n" not in text)
        return f"{self.fact.__name__}({', '.join(arguments)})"

    def names(self, argument: str) -> list[str]:
        """An argument that is a list of names."""
        names = self.arguments[argument]
        assert isinstance(names, list)  # noqa: S101  the fact's own argument
        return names

    def command(self) -> str:
        """The fact's own command, whichever form it has."""
        make: Callable[..., str | StringCommand] = self.fact().command
        return StringCommand(make(**self.arguments)).get_raw_value()

    def understood(self, lines: list[str] | None) -> Any:
        """What the fact makes of the lines that its command printed; if there are none, its default.

        Raises `PyinfraError` if it makes nothing of them.
        """
        fact = self.fact()
        try:
            return fact.process(lines) if lines else fact.default()
        except (LookupError, TypeError, ValueError) as error:
            raise PyinfraError(f"{self}: cannot be determined: the answer is not understood ({error})") from error

    @property
    def together(self) -> "Together | None":
        """What the fact's method ``together`` says, if it has one: how it is asked with others in one command."""
        shared: Callable[..., Together] | None = getattr(self.fact(), "together", None)
        return shared(**self.arguments) if shared else None

    @property
    def key(self) -> tuple[object, ...]:
        """Names the question to a machine."""
        return (self.fact, repr(sorted(self.arguments.items())))


class Unprinted(tuple[str, ...]):
    """Standard input that pyinfra hands over and, with ``--debug``, does not print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"


class Together(Hashable, Protocol):
    """Asks several facts with one command. Facts that give equal objects are asked together."""

    def command(self, asks: Sequence[Ask]) -> str:
        """The command for all of them."""

    def split(self, output: list[str], asks: Sequence[Ask]) -> list[list[str]]:
        """What each fact's own command would have printed; nothing if that cannot be determined."""


class Bulk(FactBase[dict[int, list[str]]]):
    """The answers to many commands: number → what it printed; without those that failed."""

    @staticmethod
    def default() -> dict[int, list[str]]:
        """A machine that is not there answers nothing."""
        return {}

    def command(self, asks: list[Ask]) -> str:  # noqa: ARG002  says in pyinfra's messages what is asked
        """Runs what comes over standard input; read to its end first, so that no command in it reads on."""
        return 'eval "$(cat)"'

    @staticmethod
    def script(commands: Sequence[str]) -> str:
        """Each in a subshell, with its status and number behind its output; dealt out to a few that run side by side."""
        numbered = [
            f"(\n{command}\n) < /dev/null 2> /dev/null; printf '\\n{_END} %d %d\\n' $? {number}\n"
            for number, command in enumerate(commands)
        ]
        script, *others = ("".join(numbered[start::_STREAMS]) for start in range(_STREAMS))
        for other in others:
            # What the first one prints waits in the pipe; nothing is written to a disk for it.
            script = f"{{\n{script}}} | {{\n{other}cat; }}\n"
        return script

    def process(self, output: list[str]) -> dict[int, list[str]]:
        """The end's line starts with a line end of its own, which leaves an empty line behind complete output."""
        answers, lines = {}, list[str]()
        for line in output:
            if not line.startswith(_END):
                lines.append(line)
                continue
            status, number = line.split()[1:]
            if status == "0":
                answers[int(number)] = lines[:-1] if lines and not lines[-1] else lines
            lines = []
        return answers


class Single(FactBase[Any]):
    """One fact by itself; what is wrong is said on standard error and fails."""

    def command(self, ask: Ask) -> str:  # noqa: ARG002  as in `Bulk`
        """As `Bulk`."""
        return 'eval "$(cat)"'

    def process(self, output: list[str]) -> list[str]:
        """Left to the fact that was asked."""
        return output
