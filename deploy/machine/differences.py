"""Says what an operation found to differ, so that a plan names objects and not only operations.

Each operation of this project reads a fact, then does nothing or yields the commands that fix what differs. A plan only
asks an operation for its first command. So an operation reports everything that differs before it yields.
"""

from collections.abc import Generator, Iterable, Iterator

from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.command import FileUploadCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.state import StateStage
from pyinfra.context import host, state

#: What an operation is: commands, worked out as they are asked for.
Commands = Generator[StringCommand | FileUploadCommand | str, None, None]

#: Starts every line, so that `make drift` can tell them from pyinfra's own.
MARK = "  ~ "


def report(lines: Iterable[str]) -> None:
    """Log each difference for the current host, where the plan is made and ``--diff`` asks for it."""
    if state.config.DIFF and state.current_stage == StateStage.Prepare:
        for line in lines:
            host.log(f"{MARK}{line}")


def refuse(message: str) -> StringCommand:
    """End here, touching nothing.

    While the plan is made this raises `OperationError`, which ends the run for all machines before it began. At execution
    it is a command that fails with the message, so that other hosts, half-way through their work, go on.
    """
    if state.current_stage < StateStage.Execute:
        raise OperationError(f"{host.name}: {message}")
    return StringCommand("echo", QuoteString(message), ">&2; exit 1")


def unanswered(what: str) -> Iterator[StringCommand]:
    """The server could not be asked: while the plan is made that is said, and at execution it is a failure."""
    if state.is_executing:
        yield refuse(f"the server does not answer, so {what} cannot be compared")
    else:
        host.log(f"{what} cannot be compared while the server is stopped")
