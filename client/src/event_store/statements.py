"""What the client says to the server: a query, its parameters, and what to make of the rows. No connections in here.

Both shells, the synchronous and the asynchronous one, run what the functions of this module and of `queries` and
`leases` build; each is named after the SQL function that it calls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from psycopg.types.json import Jsonb

from event_store.events import Append, Appended, Command, NewEvent, Origin

T = TypeVar("T")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """One query.

    ``repeatable``: running it twice is the same as once, also when nobody knows whether the first one ran. ``first_result``: asks
    for the result of a first run whose answer was lost; None = there was none.
    """

    query: bytes
    parameters: Mapping[str, Any]
    read: Callable[[Sequence[Row]], T]
    repeatable: bool = True
    first_result: "Statement[T | None] | None" = None


def call(function: str, parameters: Mapping[str, Any], columns: str = "*", optional: Sequence[str] = ()) -> bytes:
    """The query that calls a function of the store with these parameters, by name.

    ``optional``: left out where they are None, so that the function's own default holds.
    """
    arguments = ", ".join(
        f"{name} => %({name})s" for name, value in parameters.items() if value is not None or name not in optional
    )
    return f"SELECT {columns} FROM event_store.{function}({arguments})".encode()


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
    query = call(function, parameters, "event_version, global_position")
    first = None if command else _stored([Append(aggregate_type, aggregate_id, events, expected)], _appended)
    return Statement(query, parameters, _appended, bool(command or first), first)


def append_to_aggregates(
    appends: Sequence[Append], origin: Origin, command: Command | None
) -> Statement[list[Appended]]:
    """Append to several aggregates, all of it or nothing."""
    documents = [
        {
            "aggregate_type": one.aggregate_type,
            "aggregate_id": str(one.aggregate_id),
            "expected_version": one.expected,
            "events": [event.document() for event in one.events],
        }
        for one in appends
    ]
    parameters = {"appends": Jsonb(documents)} | _origin(origin) | _command(command)
    query = call("append_to_aggregates", parameters, "event_version, global_position")
    first = None if command else _stored(appends, _all_appended)
    return Statement(query, parameters, _all_appended, bool(command or first), first)


def check_command_processed(command_id: UUID) -> Statement[bool]:
    """Ask whether a command was recorded, with events or without."""
    parameters = {"command_id": command_id}
    return Statement(call("check_command_processed", parameters), parameters, only_value)


def result_of(command: Command, aggregate_type: str, aggregate_id: UUID) -> Statement[Appended | None]:
    """Ask for the first result of a command on one aggregate, if it was processed, and was this one."""
    query = b"""
        SELECT c.event_versions[1], c.global_positions[1]
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
    return Statement(query, parameters, lambda rows: Appended(*rows[0]) if rows else None)


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
    return Statement(call("record_command", parameters), parameters, only_value, repeatable=False)


def only_value(rows: Sequence[Row]) -> Any:
    """The answer of a function that returns one value."""
    return rows[0][0]


def nothing(rows: Sequence[Row]) -> None:
    """The answer of a function that returns nothing worth telling."""
    del rows


def _stored(appends: Sequence[Append], read: Callable[[Sequence[Row]], T]) -> Statement[T | None] | None:
    """Look for the last event of each append; None where not all of them have ids to look for."""
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
    return Statement(query, parameters, lambda rows: read(rows) if len(rows) == len(last) else None)


def _single(event: NewEvent, origin: Origin) -> dict[str, Any]:
    return {
        "event_type": event.event_type,
        "event_data": Jsonb(event.data),
        "metadata": Jsonb(event.metadata),
        "schema_version": event.schema_version,
        "event_id": event.event_id,
        "causation_id": event.causation_id or origin.causation_id,
        "correlation_id": event.correlation_id or origin.correlation_id,
    }


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


def _appended(rows: Sequence[Row]) -> Appended:
    return Appended(*rows[0])


def _all_appended(rows: Sequence[Row]) -> list[Appended]:
    return [Appended(*row) for row in rows]
