"""How the application's logins are."""

from collections.abc import Sequence
from typing import Any

from deploy.database.declared import PRIVILEGES, ROLES
from deploy.database.facts import Catalogue, CatalogueFact
from deploy.machine.questions import Ask
from deploy.machine.status import Row, State
from deploy.model.event_stores import APPLICATION_ROLE, EventStore
from deploy.model.logins import LOGIN_ROLES


def questions(container: EventStore) -> list[Ask]:  # noqa: ARG001  the same of each
    """What the server has."""
    return [Ask(CatalogueFact, roles=list(ROLES), databases=list(PRIVILEGES))]


def rows(container: EventStore, answers: Sequence[Any]) -> list[Row]:  # noqa: ARG001  the same of each
    """One row, as the server sees it: which of its passwords clients get is known to the operator only."""
    catalogue: Catalogue
    [catalogue] = answers
    let_in = [role for role in (APPLICATION_ROLE, *LOGIN_ROLES) if catalogue.roles.get(role, {}).get("LOGIN")]
    return [Row("login", APPLICATION_ROLE, *_state(catalogue, let_in))]


def _state(catalogue: Catalogue, let_in: list[str]) -> tuple[State, str]:
    if catalogue.silence:
        return State.UNKNOWN, catalogue.silence
    if not let_in:
        return State.DOWN, "nobody may log in; `make deploy` repairs it"
    if len(let_in) > 1:
        return State.DEGRADED, f"a rotation is not finished: {' and '.join(let_in)} may log in; `make rotate` goes on"
    return State.WELL, f"logs in as {let_in[0]}"
