"""Recorders of events: of aggregates alone, and of applications, with a notification log."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    DataError,
    Notification,
    StoredEvent,
    Subscription,
)

from event_store.client import Session
from event_store.events import Append, Command, Origin
from event_store.eventsourcing import ids
from event_store.eventsourcing.datastore import Datastore, fetch
from event_store.eventsourcing.rows import EVENT, Stream, fields, new_event, streams
from event_store.eventsourcing.subscription import EventStoreSubscription
from event_store.statements import Row, Statement

# event_version minus originator_version, which is the same for all events of an aggregate.
OFFSET: Final = """
    SELECT e.event_version - (e.metadata -> 'eventsourcing' ->> 'originator_version')::bigint
      FROM event_store.events e
     WHERE e.aggregate_type = %(application)s::varchar AND e.aggregate_id = %(aggregate_id)s
     ORDER BY e.event_version DESC
     LIMIT 1"""

_EVENTS: Final = f"""
    SELECT {EVENT}
      FROM event_store.events e
     WHERE e.aggregate_type = %(application)s::varchar AND e.aggregate_id = %(aggregate_id)s
       AND e.event_version > coalesce(%(gt)s::bigint + ({OFFSET}), 0)
       AND e.event_version <= coalesce(%(lte)s::bigint + ({OFFSET}), 2147483647)
     ORDER BY e.event_version"""

_LAST_ID: Final = """
    SELECT e.event_id
      FROM event_store.events e
     WHERE e.event_id BETWEEN %(first)s AND %(last)s
     ORDER BY e.event_id DESC
     LIMIT 1"""

_NOTIFICATIONS: Final = f"""
    SELECT {EVENT}
      FROM event_store.events e
     WHERE e.event_id BETWEEN %(first)s AND %(last)s"""


class EventStoreAggregateRecorder(AggregateRecorder):
    """Events of the aggregates of one application, whose name is their ``aggregate_type``."""

    #: Ends with what is ordered by.
    _selection: ClassVar[str] = _EVENTS

    def __init__(self, datastore: Datastore, application: str) -> None:
        self.datastore, self.application = datastore, application

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append the events, all of them or none; IntegrityError where another version is due."""
        by_originator = streams(stored_events)
        command = Command("eventsourcing", data={})

        def insert(session: Session, may_be_done: bool) -> Sequence[int] | None:
            self._begin(session)
            if may_be_done and session.check_command_processed(command.command_id):
                return self._inserted(session, command)
            return self._insert(session, by_originator, command, **kwargs)

        return self.datastore.repeat(insert)

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
        return self.datastore.run(
            Statement(query, parameters, lambda rows: [StoredEvent(**fields(row)) for row in rows])
        )

    def _begin(self, session: Session) -> None:
        """What has to come before anything else in the transaction of an insert."""

    def _insert(
        self, session: Session, by_originator: Sequence[Stream], command: Command, **_: Any
    ) -> Sequence[int] | None:
        self._append(session, by_originator, command)
        return None

    def _inserted(self, session: Session, command: Command) -> Sequence[int] | None:
        """What an insert that was committed before has returned."""
        del session, command
        return None

    def _append(
        self,
        session: Session,
        by_originator: Sequence[Stream],
        command: Command,
        first_id: int | None = None,
    ) -> None:
        appends = []
        for stream in by_originator:
            parameters = {"application": self.application, "aggregate_id": stream.aggregate_id}
            found = fetch(session, OFFSET, parameters)
            if found and found[0][0] is None:
                raise DataError(f"{stream.aggregate_id} has events that the eventsourcing library did not append")
            events = [
                new_event(event, None if first_id is None else ids.event_id(self.application, first_id + place))
                for place, event in stream.events
            ]
            expected = stream.expected(found[0][0] if found else None)
            appends.append(Append(self.application, stream.aggregate_id, events, expected))
        if appends:
            session.append_to_aggregates(appends, origin=Origin(causation_id=command.command_id), command=command)


class EventStoreApplicationRecorder(EventStoreAggregateRecorder, ApplicationRecorder):
    """Events with a notification log: notification ids count the events of the application from 1, without gaps.

    Inserts of one application wait for each other, from the first statement to the commit: so ids are given out in the
    order of the commits, and those of one insert are in a row. That is the price of one number instead of a cursor.
    """

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """A page of the notification log."""
        first = 0 if start is None else max(start + (not inclusive_of_start), 0)
        last = ids.LAST if stop is None else min(stop, ids.LAST)
        if first > last:
            return []
        parameters = {**self._between(first, last), "topics": list(topics), "limit": limit}
        of_topics = "AND e.event_type = ANY (%(topics)s)" if topics else ""
        query = f"{_NOTIFICATIONS} {of_topics} ORDER BY e.event_id LIMIT %(limit)s"
        return self.datastore.run(
            Statement(
                query.encode(),
                parameters,
                lambda rows: [Notification(**fields(row), id=ids.notification_id(row[0])) for row in rows],
            )
        )

    def max_notification_id(self) -> int | None:
        """The last notification id; None where there is no event."""
        return self.datastore.run(Statement(_LAST_ID.encode(), self._between(0, ids.LAST), _only_id))

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """The notifications after one, and those to come."""
        return EventStoreSubscription(recorder=self, gt=gt, topics=topics)

    def _begin(self, session: Session) -> None:
        # Before the transaction gets its number: so the order of this log is that of the feed.
        name = f"eventsourcing {self.application}"
        fetch(session, "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name})

    def _insert(
        self, session: Session, by_originator: Sequence[Stream], command: Command, **_: Any
    ) -> Sequence[int] | None:
        last = _only_id(fetch(session, _LAST_ID, self._between(0, ids.LAST))) or 0
        self._append(session, by_originator, command, first_id=last + 1)
        return list(range(last + 1, last + 1 + sum(len(stream.events) for stream in by_originator)))

    def _inserted(self, session: Session, command: Command) -> Sequence[int] | None:
        query = "SELECT e.event_id FROM event_store.events e WHERE e.causation_id = %(id)s ORDER BY e.event_id"
        return [ids.notification_id(row[0]) for row in fetch(session, query, {"id": command.command_id})]

    def _between(self, first: int, last: int) -> dict[str, Any]:
        return {"first": ids.event_id(self.application, first), "last": ids.event_id(self.application, last)}


def _only_id(rows: Sequence[Row]) -> int | None:
    return ids.notification_id(rows[0][0]) if rows else None
