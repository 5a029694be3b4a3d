"""How the server of a container is."""

from collections.abc import Sequence
from typing import Any

from deploy.machine.questions import Ask
from deploy.machine.services import Service, Services
from deploy.machine.status import Row, State
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.postgres.facts import Server, ServerFact


def questions(container: EventStore) -> list[Ask]:
    """Whether it runs, and what it says of its configuration."""
    paths = ClusterPaths(container.version)
    return [Ask(Services, units=[paths.unit]), Ask(ServerFact, conf=paths.conf, data=paths.data, tls=paths.tls.all)]


def rows(container: EventStore, answers: Sequence[Any]) -> list[Row]:
    """One row for the cluster."""
    unit = ClusterPaths(container.version).unit
    services, server = answers
    state, detail = _state(services.get(unit, Service()), server)
    return [Row("cluster", unit.removesuffix(".service"), state, detail)]


def _state(service: Service, server: Server) -> tuple[State, str]:
    if service.state != "active":
        return State.DOWN, "the server is not running; `make deploy` starts it"
    if not server.up:
        return State.DOWN, "the server takes no connections; its log in the container says why"
    if server.refusal:
        return State.DOWN, server.refusal + ("; `make deploy` restarts it" if server.restart_helps else "")
    problems = [
        *(f"{name} waits for a restart" for name in server.pending_restart),
        *(f"{name} is newer than what the server has loaded" for name in server.stale),
        *server.errors,
    ]
    if problems:
        return State.DEGRADED, f"{'; '.join(problems)}; see `make plan`"
    return State.WELL, "takes connections"
