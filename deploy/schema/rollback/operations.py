"""Operations that take migrations back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api import operation
from pyinfra.api.exceptions import OperationError
from pyinfra.context import host

from deploy.machine.differences import Commands, report
from deploy.machine.look import look
from deploy.machine.pooler_console import reconnected
from deploy.machine.psql import psql
from deploy.machine.records import Difference
from deploy.schema import catalogue, migrations
from deploy.schema.facts import Answer, SchemaState, State
from deploy.schema.migrations import Migration, MigrationError
from deploy.schema.rollback.facts import LossesFact
from deploy.schema.rollback.losses import Found, guard, losses, refusals


@dataclass(frozen=True)
class Rollback:
    """How far back, and what may be lost on the way."""

    database: str
    version: int
    """The last migration that stays; 0 for none."""
    given_up: tuple[str, ...] = ()


def _steps(rollback: Rollback) -> tuple[Migration, ...]:
    """The migrations to take back on the current machine, the last one first; `OperationError` if they cannot be."""
    state = _state(rollback)
    if state.answer is not Answer.DATABASE:
        raise _refusal(f"{state.silence or state.answer.explanation}; deploy first")
    known = catalogue.load().migrations
    try:
        migrations.pending(known, state.ledger)
    except MigrationError as error:
        raise _refusal(str(error)) from None
    applied = {row.version for row in state.ledger}
    if (last := max(applied, default=0)) < rollback.version:
        raise _refusal(
            f"version {last:04d} is the last one there, which is before {rollback.version:04d}; "
            "a rollback takes nothing forward, a deploy does"
        )
    return tuple(step for step in reversed(known) if step.version in applied and step.version > rollback.version)


def _state(rollback: Rollback) -> State:
    state: State = look(SchemaState, database=rollback.database)
    return state


def _refusal(*reasons: str) -> OperationError:
    """Ends the run for all machines, while the plan is made and at execution alike."""
    return OperationError("\n    ".join([f"{host.name}: nothing was touched: {reasons[0]}", *reasons[1:]]))


def _found(rollback: Rollback, steps: Sequence[Migration]) -> list[Found]:
    queries = [loss.query for step in steps for loss in losses(step)]
    found: Any = look(LossesFact, database=rollback.database, queries=queries) if queries else []
    return list(found)


def is_due(rollback: Rollback) -> bool:
    """Whether there is a migration to be taken back on the current machine."""
    return bool(_steps(rollback))


@operation()
def check(rollback: Rollback) -> Commands:
    """End the run, for all machines, if rows would be lost that nobody has given up."""
    steps = _steps(rollback)
    tables = {loss.table for step in steps for loss in losses(step) if loss.verb == "loses"}
    reasons = [
        f"lose={table}: nothing that is taken back loses it"
        for table in rollback.given_up
        if steps and table not in tables
    ]
    if reasons := [*reasons, *refusals(_found(rollback, steps), rollback.given_up)]:
        raise _refusal(*reasons)
    host.noop("nothing would be lost that was not given up")
    yield from ()


@operation()
def take_back(rollback: Rollback) -> Commands:
    """Take the migrations back, each in a transaction of its own with its row of the ledger.

    With the last of them, functions, views, triggers and grants become those of the version that stays, if a deploy of
    that version has left its reference.
    """
    steps = _steps(rollback)
    if not steps:
        host.noop(f"version {rollback.version:04d} is the last one")
        return
    whole = rollback.version in _state(rollback).references
    report(Difference(f"migration {step}", "to be taken back") for step in steps)
    report(Difference(f"{found.loss.verb} {found.rows}", found.number) for found in _found(rollback, steps))
    report([Difference("functions, views, triggers, policies and grants", _WHOLE if whole else _STAY)])
    schema = catalogue.load()
    for step in steps:
        script = migrations.down_script(step, schema.ledger, guard(step, rollback.given_up))
        if step == steps[-1] and rollback.version:
            script += schema.repair_earlier
        yield psql(script, database=rollback.database)
    yield reconnected()
    host.log(
        f"version {rollback.version:04d} is the last one now; the worker is stopped. Deploy from the checkout that ends with "
        "that version: a deploy of this one takes the store forward again"
    )


_WHOLE = "as the last deploy of that version left them"
_STAY = (
    "stay as they are until a checkout of that version is deployed; what needs something that is taken back fails until "
    "then, and stores nothing"
)
