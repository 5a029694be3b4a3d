"""How the worker's services are."""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.machine.questions import Ask
from deploy.machine.services import Service, Services
from deploy.machine.status import Row, State
from deploy.model.event_stores import EventStore
from deploy.worker.deploy import UNITS


def questions(container: EventStore) -> list[Ask]:  # noqa: ARG001  the same of each
    """The state of the services."""
    return [Ask(Services, units=UNITS)]


def rows(container: EventStore, answers: Sequence[Any]) -> list[Row]:
    """One row for each service; in a copy, for each that runs and should not."""
    services: Mapping[str, Service]
    [services] = answers
    if container.copy_of:
        on = [unit for unit in UNITS if services.get(unit, Service()).state != "inactive"]
        what = f"runs in a copy of {container.copy_of}; `make deploy` stops it"
        return [Row("worker", unit.removesuffix(".service"), State.DEGRADED, what) for unit in on]
    return [Row("worker", unit.removesuffix(".service"), *_state(services.get(unit, Service()))) for unit in UNITS]


def _state(unit: Service) -> tuple[State, str]:
    if unit.state == "active":
        if unit.enabled:
            return State.WELL, "running"
        return State.DEGRADED, "running, but does not start at boot; `make deploy` enables it"
    if unit.state in ("activating", "deactivating", "reloading"):
        return State.DEGRADED, f"{unit.state}; if that lasts, `journalctl -u 'event-store@*'` in the container says why"
    return State.DOWN, f"{unit.state}; `make deploy` starts it"
