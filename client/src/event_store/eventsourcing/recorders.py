"""The recorder of aggregates: events without a notification log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    DataError,
    StoredEvent,
)
from psycopg.rows import class_row, kwargs_row

from event_store.events import Append, NewEvent
from event_store.eventsourcing import ids
from event_store.eventsourcing.datastore import Datastore
from event_store.eventsourcing.rows import EVENT, Stream, new_event, stored_event, streams
from event_store.statements import Statement

# event_version minus originator_version, which is the same for all events of an aggregate.
OFFSET: Final = """
    SELECT e.event_version - (e.metadata -> 'eventsourcing' ->> 'originator_version')::bigint
      FROM event_store.events e
     WHERE e.aggregate_type = %(application)s::varchar AND e.aggregate_id = %(aggregate_id)s
     ORDER BY e.event_version DESC
     LIMIT 1"""

# The same of several aggregates, with the version itself: a stream that somebody else began has no offset. And the last
# event of the application, and from which id on it has to count: see `applications`.
STATE: Final = """
    SELECT a.aggregate_id, last.event_version,
           last.event_version - (last.metadata -> 'eventsourcing' ->> 'originator_version')::bigint AS version_offset,
           (SELECT e.event_id FROM event_store.events e WHERE e.event_id BETWEEN %(first)s AND %(last)s
             ORDER BY e.event_id DESC LIMIT 1) AS last_event_id,
           (SELECT f.first_position FROM event_store.current_fork() f WHERE f.reason <> 'first') AS first_id
      FROM unnest(%(aggregate_ids)s::uuid[]) AS a (aggregate_id)
      LEFT JOIN LATERAL (
           SELECT e.event_version, e.metadata
             FROM event_store.events e
            WHERE e.aggregate_type = %(application)s::varchar AND e.aggregate_id = a.aggregate_id
            ORDER BY e.event_version DESC
            LIMIT 1) AS last ON true"""

_EVENTS: Final = f"""
    SELECT {EVENT}
      FROM event_store.events e
     WHERE e.aggregate_type = %(application)s::varchar AND e.aggregate_id = %(aggregate_id)s
       AND e.event_version > coalesce(%(gt)s::bigint + ({OFFSET}), 0)
       AND e.event_version <= coalesce(%(lte)s::bigint + ({OFFSET}), 2147483647)
     ORDER BY e.event_version"""


@dataclass(frozen=True, slots=True)
class State:
    """A row of `STATE`; None = the aggregate, its offset, an event of the application, or a fork is not there."""

    aggregate_id: UUID
    event_version: int | None
    version_offset: int | None
    last_event_id: UUID | None
    first_id: int | None


def state_of(parameters: dict[str, Any]) -> Statement[list[State]]:
    """Ask where the aggregates of an insert are."""
    return Statement(STATE.encode(), parameters, class_row(State), list)


class EventStoreAggregateRecorder(AggregateRecorder):
    """Events of the aggregates of one application, whose name is their ``aggregate_type``."""

    #: Ends with what is ordered by.
    _selection: ClassVar[str] = _EVENTS

    def __init__(self, datastore: Datastore, application: str) -> None:
        self.datastore, self.application = datastore, application

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append the events, all of them or none; IntegrityError if another version is due."""
        by_originator = streams(stored_events)
        if by_originator:
            states = self.datastore.run(state_of(self._of(by_originator)))
            self.datastore.append(self._appends(by_originator, states, lambda _, event: new_event(event)))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one originator."""
        parameters = {
            "application": self.application,
            "aggregate_id": ids.aggregate_id(originator_id),
            "gt": gt,
            "lte": lte,
            "limit": limit,
        }
        query = f"{self._selection} {'DESC' if desc else 'ASC'} LIMIT %(limit)s".encode()
        return self.datastore.run(Statement(query, parameters, kwargs_row(stored_event), list))

    def _appends(
        self, by_originator: Sequence[Stream], states: Sequence[State], new: Callable[[int, StoredEvent], NewEvent]
    ) -> list[Append]:
        """What to append, given where the aggregates are. ``new``: makes the event at a place among all of them."""
        offsets = {}
        for state in states:
            if state.event_version is not None and state.version_offset is None:
                raise DataError(f"{state.aggregate_id} has events that the eventsourcing library did not append")
            offsets[state.aggregate_id] = state.version_offset
        return [
            Append(
                self.application,
                stream.aggregate_id,
                [new(place, event) for place, event in stream.events],
                stream.expected(offsets[stream.aggregate_id]),
            )
            for stream in by_originator
        ]

    def _of(self, by_originator: Sequence[Stream]) -> dict[str, Any]:
        """The parameters of `STATE`."""
        aggregate_ids = [stream.aggregate_id for stream in by_originator]
        return {
            "application": self.application,
            "aggregate_ids": aggregate_ids,
            **ids.between(self.application, 0, ids.LAST),
        }
