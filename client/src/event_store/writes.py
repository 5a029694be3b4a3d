"""Statements that append, and those that ask for what an earlier append has led to. Each is named after its SQL function."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from psycopg.types.json import Jsonb

from event_store.events import Append, Appended, Command, NewEvent, Origin
from event_store.rows import APPENDED, VALUE
from event_store.selections import QueryItem
from event_store.statements import Statement, ask, call, first, only

T = TypeVar("T")


def append_events(
    aggregate_type: str,
    aggregate_id: UUID,
    events: Sequence[NewEvent],
    *,
    expected: int | None,
    origin: Origin,
    command: Command | None,
) -> Statement[Appended]:
    """Append to one aggregate. One event goes without the detour through a JSON array, which is faster by a third."""
    parameters: dict[str, Any] = {
        "aggregate_type": aggregate_type,
        "aggregate_id": aggregate_id,
        "expected_version": expected,
    }
    parameters |= _origin(origin) | _command(command)
    if len(events) == 1:
        function = "append_event"
        parameters |= _single(events[0], origin)
    else:
        function = "append_events"
        parameters["events"] = Jsonb([event.document() for event in events])
    statement = call(function, parameters, APPENDED, only)
    return _once(statement, [Append(aggregate_type, aggregate_id, events, expected)], command, only)


def append_to_aggregates(
    appends: Sequence[Append], origin: Origin, command: Command | None
) -> Statement[list[Appended]]:
    """Append to several aggregates, all of it or nothing."""
    parameters = {"appends": _documents(appends)} | _origin(origin) | _command(command)
    return _once(call("append_to_aggregates", parameters, APPENDED, list), appends, command, list)


def append_if(
    appends: Sequence[Append], query: Sequence[QueryItem], marker: str | None, origin: Origin, command: Command | None
) -> Statement[list[Appended]]:
    """Append to aggregates if nothing that matches has come since the marker."""
    condition = {"query": Jsonb([item.document() for item in query]), "marker": marker}
    parameters = {"appends": _documents(appends)} | condition | _origin(origin) | _command(command)
    return _once(call("append_if", parameters, APPENDED, list), appends, command, list)


def check_command_processed(command_id: UUID) -> Statement[bool]:
    """Ask whether a command was recorded, with events or without."""
    return ask("check_command_processed", {"command_id": command_id})


def result_of(command: Command, aggregate_type: str, aggregate_id: UUID) -> Statement[Appended | None]:
    """Ask for the first result of a command on one aggregate, if it was processed, and was this one."""
    query = b"""
        SELECT c.event_versions[1] AS event_version, c.global_positions[1] AS global_position
          FROM event_store.commands c
         WHERE c.command_id = %(command_id)s AND c.command_type = %(command_type)s
           AND c.aggregate_type = %(aggregate_type)s AND c.aggregate_id = %(aggregate_id)s
           AND c.data = %(data)s AND c.event_versions IS NOT NULL"""
    parameters = {
        "command_id": command.command_id,
        "command_type": command.command_type,
        "aggregate_type": aggregate_type,
        "aggregate_id": aggregate_id,
        "data": Jsonb(command.data),
    }
    return Statement(query, parameters, APPENDED.factory, first)


def results_of(command: Command) -> Statement[list[Appended]]:
    """Ask for the first results of a command on whatever aggregates; none if it was not processed, or was not this one."""
    query = b"""
        SELECT r.event_version, r.global_position
          FROM event_store.commands c
         CROSS JOIN LATERAL unnest(c.event_versions, c.global_positions)
               WITH ORDINALITY AS r (event_version, global_position, place)
         WHERE c.command_id = %(command_id)s AND c.command_type = %(command_type)s AND c.data = %(data)s
         ORDER BY r.place"""
    parameters = {
        "command_id": command.command_id,
        "command_type": command.command_type,
        "data": Jsonb(command.data),
    }
    return Statement(query, parameters, APPENDED.factory, list)


def record_command(command: Command, aggregate_type: str, aggregate_id: UUID, origin: Origin) -> Statement[bool]:
    """Record a command that has no events.

    Not repeatable: after a lost answer, "recorded before" would tell the caller that somebody else has done the work.
    """
    parameters = {
        "command_id": command.command_id,
        "command_type": command.command_type,
        "aggregate_type": aggregate_type,
        "aggregate_id": aggregate_id,
        "data": Jsonb(command.data or {}),
        "actor": origin.actor,
        "actor_type": origin.actor_type,
        "source": origin.source,
    }
    return call("record_command", parameters, VALUE, only, repeatable=False)


def _once(
    statement: Statement[T],
    appends: Sequence[Append],
    command: Command | None,
    read: Callable[[Sequence[Appended]], T],
) -> Statement[T]:
    """The append as one that may be tried again, if a command or the ids of its events show that it was done."""
    if command:
        return statement
    first_result = _stored(appends, read)
    return replace(statement, repeatable=first_result is not None, first_result=first_result)


def _stored(appends: Sequence[Append], read: Callable[[Sequence[Appended]], T]) -> Statement[T | None] | None:
    """Look for the last event of each append; None if not all of them have ids to look for."""
    last = [one.events[-1].event_id if one.events else None for one in appends]
    if None in last:
        return None
    query = b"""
        SELECT e.event_version, e.global_position
          FROM unnest(%(event_ids)s::uuid[], %(aggregate_types)s::text[], %(aggregate_ids)s::uuid[])
               WITH ORDINALITY AS a (event_id, aggregate_type, aggregate_id, place)
          JOIN event_store.events e USING (event_id)
         WHERE e.aggregate_type = a.aggregate_type::varchar AND e.aggregate_id = a.aggregate_id
         ORDER BY a.place"""
    parameters = {
        "event_ids": last,
        "aggregate_types": [one.aggregate_type for one in appends],
        "aggregate_ids": [one.aggregate_id for one in appends],
    }
    return Statement(query, parameters, APPENDED.factory, lambda rows: read(rows) if len(rows) == len(last) else None)


def _documents(appends: Sequence[Append]) -> Jsonb:
    return Jsonb(
        [
            {
                "aggregate_type": one.aggregate_type,
                "aggregate_id": str(one.aggregate_id),
                "expected_version": one.expected,
                "events": [event.document() for event in one.events],
            }
            for one in appends
        ]
    )


def _single(event: NewEvent, origin: Origin) -> dict[str, Any]:
    single: dict[str, Any] = {
        "event_type": event.event_type,
        "event_data": Jsonb(event.data),
        "metadata": Jsonb(event.metadata),
        "schema_version": event.schema_version,
        "event_id": event.event_id,
        "causation_id": event.causation_id or origin.causation_id,
        "correlation_id": event.correlation_id or origin.correlation_id,
    }
    return single | ({"tags": list(event.tags)} if event.tags else {})


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "actor": origin.actor,
        "actor_type": origin.actor_type,
        "source": origin.source,
        "causation_id": origin.causation_id,
        "correlation_id": origin.correlation_id,
    }


def _command(command: Command | None) -> dict[str, Any]:
    if command is None:
        return {}
    return {
        "command_id": command.command_id,
        "command_type": command.command_type,
        "command_data": None if command.data is None else Jsonb(command.data),
    }
