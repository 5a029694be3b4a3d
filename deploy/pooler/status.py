"""How the pooler of a container is."""

from collections.abc import Sequence
from typing import Any

from deploy.machine.questions import Ask
from deploy.machine.services import Service, Services
from deploy.machine.status import Row, State
from deploy.model.event_stores import DATABASE, EventStore
from deploy.model.pooling import MAX_CLIENTS, POOLER_UNIT
from deploy.pooler.facts import Pooler, PoolerFact


def questions(container: EventStore) -> list[Ask]:
    """Whether it runs, and what its console says."""
    if container.pool is None:
        return []
    return [Ask(Services, units=[POOLER_UNIT]), Ask(PoolerFact, tls=container.tls_files.folder)]


def rows(container: EventStore, answers: Sequence[Any]) -> list[Row]:
    """One row, where one is declared."""
    if container.pool is None:
        return []
    services, pooler = answers
    return [Row("pooler", "pgbouncer", *_state(services.get(POOLER_UNIT, Service()), pooler))]


def _state(service: Service, pooler: Pooler) -> tuple[State, str]:
    if service.state != "active":
        return State.DOWN, f"{service.state}; `make deploy` starts it"
    if not pooler.up:
        return State.DOWN, "its console does not answer; `make deploy` restarts it"
    pools = [row for row in pooler.pools if row["database"] == DATABASE]
    clients, waiting = (sum(int(row[name]) for row in pools) for name in ("cl_active", "cl_waiting"))
    longest = max((int(row["maxwait"]) for row in pools), default=0)
    detail = f"{clients + waiting} of {MAX_CLIENTS} clients, {waiting} waiting"
    if any(row.get("paused") == "1" for row in pooler.databases if row["name"] == DATABASE):
        return State.DEGRADED, f"{detail}; it is paused, and clients wait; `make deploy` resumes it"
    if pooler.stale:
        return State.DEGRADED, f"{detail}; it has not read the server's new certificate; see `make plan`"
    if longest >= 1:
        return State.DEGRADED, f"{detail}, for up to {longest} s: all connections of the pool are in transactions"
    return State.WELL, detail
