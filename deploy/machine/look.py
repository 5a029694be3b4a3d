"""Facts, remembered until something changes and asked for in bulk.

pyinfra asks for each fact again each time, with a process of its own; entering a container costs ten times what looking at a
file in there does. So a deploy says ahead what its operations are going to look at, and all of it is asked in one go.
Operations need not know: what was not asked ahead, or was before something changed, is asked when they look.

All machines are asked side by side while the plan is being made. What they say is good for the execution as well, as long
as nothing changes and it is younger than `YOUNG`: an operator who thinks before saying yes has everything asked again.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import gevent
from pyinfra.api import FactBase, operation
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_host, host, state

from deploy.machine.differences import Commands
from deploy.machine.questions import Ask, Bulk, Single, Together, Unprinted

#: For so many seconds what a machine said while the plan was made is believed when it is executed.
YOUNG: Final = 5.0


@dataclass
class _Memory:
    """What a machine has said, as long as no operation changes anything there."""

    stage: StateStage
    changes: int
    since: float = field(default_factory=monotonic)
    answers: dict[object, Any] = field(default_factory=dict)


def _memory(*, adopt: bool = False) -> _Memory:
    """What still counts of what the current machine has said; ``adopt``: also from before the execution, if young."""
    memory: _Memory | None = host.connector_data.get("memory")
    changes = _changes() if state.is_executing else 0
    if memory and adopt and memory.stage < state.current_stage and monotonic() - memory.since < YOUNG:
        memory.stage = state.current_stage
    if not memory or (memory.stage, memory.changes) != (state.current_stage, changes):
        memory = _Memory(state.current_stage, changes)
        host.connector_data["memory"] = memory
    return memory


def _changes() -> int:
    """How many operations have changed something on the current machine or, if it is a container, on its LXC host."""
    names = (host.name, host.data.get("lxc_host"))
    return sum(
        data.operation_meta.executed
        for machine, operations in state.ops.items()
        if machine.name in names
        for data in operations.values()
    )


def look(fact: type[FactBase[Any]], **arguments: object) -> Any:
    """The fact's answer on the current machine, from before if nothing has changed there since."""
    ask = Ask(fact, **{name: value for name, value in arguments.items() if not name.startswith("_")})
    answers = _memory().answers
    if ask.key not in answers:
        globals_ = {name: value for name, value in arguments.items() if name.startswith("_")}
        output = host.get_fact(Single, ask=ask, _stdin=Unprinted([ask.command()]), **globals_)
        if host in state.failed_hosts and not arguments.get("_ignore_errors"):
            # pyinfra goes on with the fact's default, which reads as a blank machine: that must not be acted on.
            raise PyinfraError(f"{host.name}: {fact.__name__} cannot be determined; nothing more is changed")
        answers[ask.key] = ask.understood(output)
    return answers[ask.key]


def recall(fact: type[FactBase[Any]], **arguments: object) -> Any:
    """The fact's answer on the current machine if it is known; None if it would have to be asked."""
    return _memory().answers.get(Ask(fact, **arguments).key)


def ask_ahead(asks: list[Ask]) -> None:
    """Ask many facts at once. A question that failed, or whose answer is not understood, is asked again by who wants to know, and fails there."""
    begun: gevent.Greenlet | None = host.connector_data.get("begun")
    if begun and begun is not gevent.getcurrent():
        begun.get()
    answers = _memory(adopt=True).answers
    groups = list(_groups({ask.key: ask for ask in asks if ask.key not in answers}.values()))
    if not groups:
        return
    bulk: Any = Bulk
    script = Bulk.script([shared.command(group) if shared else group[0].command() for shared, group in groups])
    told = host.get_fact(bulk, asks=asks, _stdin=Unprinted([script]), _ignore_errors=True)
    for number, output in told.items():
        shared, group = groups[number]
        parts = shared.split(output, group) if shared else [output]
        for ask, lines in zip(group, parts, strict=False):
            with suppress(PyinfraError):
                answers[ask.key] = ask.understood(lines)
    _memory(adopt=True)  # the execution may have begun meanwhile


def _groups(asks: Iterable[Ask]) -> Iterator[tuple[Together | None, list[Ask]]]:
    """The questions by what asks them together; each of the others by itself."""
    groups: dict[Together, list[Ask]] = {}
    for ask in asks:
        if (shared := ask.together) is None:
            yield None, [ask]
        else:
            groups.setdefault(shared, []).append(ask)
    yield from groups.items()


def begin(ask: Callable[[], object]) -> None:
    """Have the current machine asked from now on, beside what is being done for this one and others."""
    current = ctx_host.get()

    def asking() -> None:
        with ctx_host.use(current):
            ask()

    host.connector_data["begun"] = gevent.spawn(asking)
    gevent.sleep(0)  # lets it start


def forget() -> None:
    """Remember nothing of the current machine any more."""
    host.connector_data.pop("memory", None)


@operation()
def ahead(asks: list[Ask]) -> Commands:
    """`ask_ahead`, in its place among the operations."""
    ask_ahead(asks)
    yield from ()
