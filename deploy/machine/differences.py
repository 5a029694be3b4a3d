"""Says what an operation found to differ, so that a plan names objects and not only operations.

Each operation of this project reads a fact, then does nothing or yields the commands that fix what differs. A plan only
asks an operation for its first command. So an operation reports everything that differs before it yields.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from typing import Final

from pyinfra.api import QuoteString, StringCommand
from pyinfra.api.command import FileUploadCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.state import StateStage
from pyinfra.context import host, state

from deploy.machine.records import Difference, record

#: What an operation is: commands, worked out as they are asked for.
Commands = Generator[StringCommand | FileUploadCommand | str, None, None]

#: Starts every line of a difference in a plan, so that people can tell them from pyinfra's own.
MARK: Final = "  ~ "
#: What a machine's plan has reported, among the data of its connector.
_REPORTED: Final = "reported"
#: What may be in a line of a file: a password of a libpq connection string or of a URI.
_PASSWORD: Final = re.compile(r"(?i)(?<=password)(\s*=\s*)[^\s'\"]+|(?<=://)([^\s:/@]*:)[^\s@]+(?=@)")


def masked(text: str) -> str:
    """``text`` without the passwords that are in connection strings in it."""
    return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}…", text)


def report(differences: Iterable[Difference]) -> None:
    """Say each difference of the current machine while the plan is made: to the program that asked, and with ``--diff`` to people."""
    if state.current_stage != StateStage.Prepare:
        return
    for difference in differences:
        host.connector_data.setdefault(_REPORTED, set()).add(difference.subject)
        if state.config.DIFF:
            for line in (str(difference), *difference.lines):
                host.log(f"{MARK}{line}")
        record(host.name, difference)


def reported(subjects: Iterable[str]) -> list[str]:
    """Those of some subjects that this plan has said to differ on the current machine; none once it is executed."""
    if state.current_stage != StateStage.Prepare:
        return []
    there: set[str] = host.connector_data.get(_REPORTED, set())
    return [subject for subject in subjects if subject in there]


def refuse(message: str) -> StringCommand:
    """End here, touching nothing.

    While the plan is made this raises `OperationError`, which ends the run for all machines before it began. At execution
    it is a command that fails with the message, so that other hosts, half-way through their work, go on.
    """
    if state.current_stage < StateStage.Execute:
        raise OperationError(f"{host.name}: {message}")
    return StringCommand("echo", QuoteString(message), ">&2; exit 1")


def unanswered(what: str, why: str) -> Iterator[StringCommand]:
    """Somebody could not be asked about ``what``. If this run changes something before, that may help: then it is said.

    Otherwise, and at execution, it is a failure: nobody can tell whether ``what`` is as declared.
    """
    planned = any(data.operation_meta.will_change for data in state.ops[host].values())
    if state.is_executing or not planned:
        yield refuse(f"{what} cannot be determined: {why}")
    else:
        report([Difference(what, f"cannot be compared yet: {why}")])
