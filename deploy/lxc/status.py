"""How an LXC host and its containers are, seen from the host."""

from collections.abc import Sequence
from typing import Any, Final

from deploy.lxc.container.config import Paths
from deploy.lxc.container.facts import Container as Seen
from deploy.lxc.container.facts import ContainerFact
from deploy.lxc.host.facts import BridgeExists, Space
from deploy.machine.files import ManagedFile
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.containers import Container
from deploy.model.hosts import LxcHost

#: Percent of a file system or of the memory, from which on there is little left.
_FULL: Final = 90


def host_questions(settings: LxcHost) -> list[Ask]:
    """What to ask on the host about itself."""
    return [Ask(BridgeExists, bridge=settings.bridge), Ask(Space, path=settings.storage_path)]


def host_rows(settings: LxcHost, answers: Sequence[Any]) -> list[Row]:
    """The host's own row."""
    bridge, used = answers
    problems = [] if bridge else [f"there is no bridge {settings.bridge}; `make deploy` starts it"]
    space = "nothing deployed yet" if used is None else f"{used} % of {settings.storage_path} in use"
    if used is not None and used >= _FULL:
        problems.append(f"{space}; make room, or move it to a larger disk")
    return [Row("host", settings.name, State.DEGRADED if problems else State.WELL, "; ".join(problems) or space)]


def container_questions(container: Container, settings: LxcHost) -> list[Ask]:
    """What to ask on the host about one of its containers."""
    paths = Paths.of(container, settings)
    return [
        Ask(ManagedFile, path=paths.config),
        Ask(ContainerFact, container=container.lxc_name),
        Ask(Space, path=paths.volume),
    ]


def is_running(answers: Sequence[Any] | None) -> bool:
    """Whether there is anything in the container to be asked, as far as its host said."""
    seen: Seen = answers[1] if answers else Seen()
    return seen.running


def container_rows(container: Container, answers: Sequence[Any]) -> list[Row]:
    """The container's own row."""
    config, seen, used = answers
    if config is None or not seen.running:
        what = "not there; `make deploy` creates it" if config is None else "not running; `make deploy` starts it"
        return [Row("container", container.name, State.DOWN, what)]
    memory = 100 * seen.memory_in_use // container.memory
    problems = [
        f"{what} {percent} % in use; raise {key}"
        for what, percent, key in (("memory", memory, "memory"), ("data volume", used or 0, "disk"))
        if percent >= _FULL
    ]
    detail = f"memory {memory} % in use, data volume {used} %"
    state = State.DEGRADED if problems else State.WELL
    return [Row("container", container.name, state, "; ".join(problems) or detail)]
