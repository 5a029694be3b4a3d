"""The recorder of applications: events with a notification log."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from eventsourcing.persistence import ApplicationRecorder, Notification, ProgrammingError, StoredEvent, Subscription
from psycopg.rows import kwargs_row, scalar_row

from event_store.client import Session
from event_store.errors import LostHistoryError
from event_store.events import Append, NewEvent
from event_store.eventsourcing import ids
from event_store.eventsourcing.datastore import append
from event_store.eventsourcing.recorders import EventStoreAggregateRecorder, state_of
from event_store.eventsourcing.rows import EVENT, new_event, notification, streams
from event_store.eventsourcing.subscription import EventStoreSubscription
from event_store.statements import Statement, first, nothing

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"

_LAST_ID: Final = """
    SELECT e.event_id
      FROM event_store.events e
     WHERE e.event_id BETWEEN %(first)s AND %(last)s
     ORDER BY e.event_id DESC
     LIMIT 1"""

_INSERT_OF: Final = """
    SELECT e.metadata -> 'eventsourcing' ->> 'insert' FROM event_store.events e WHERE e.event_id = %(event_id)s"""

_NOTIFICATIONS: Final = f"""
    SELECT {EVENT}
      FROM event_store.events e
     WHERE e.event_id BETWEEN %(first)s AND %(last)s"""


# Only the nearest one matters: the histories follow each other.
_FORK_AFTER: Final = """
    SELECT f.first_position
      FROM event_store.forks f
     WHERE f.reason <> 'first' AND f.first_position > %(notification_id)s
     ORDER BY f.first_position
     LIMIT 1"""

# The last id before a fork. If all of them have left the store with their events (retention), nobody knows.
_LAST_BEFORE: Final = f"""
    SELECT coalesce(
               ({_LAST_ID}),
               (SELECT %(first)s::uuid WHERE NOT EXISTS (SELECT FROM event_store.retirements)))"""


class LostNotificationsError(ProgrammingError):
    """The notification is of a history of the store that is lost: in a restore, a failover or a crash.

    Undo what you did for notifications after ``back_to``, then go on after that one. 0 = there is none before it.
    ``lost``: about how many up to this one are no longer there, None = unknown.
    """

    sqlstate = LostHistoryError.sqlstate

    def __init__(self, application: str, notification_id: int, back_to: int) -> None:
        super().__init__(application, notification_id, back_to)
        self.application, self.notification_id, self.back_to = application, notification_id, back_to

    @property
    def lost(self) -> int | None:
        """About how many notifications are lost. Further apart than a second's numbers, it is of another lost history."""
        count = self.notification_id - self.back_to
        return count if count <= 2**20 else None

    def __str__(self) -> str:
        return (
            f"notification {self.notification_id} of {self.application} is of a history of the store that is lost "
            f"(notifications lost up to it: {'unknown' if self.lost is None else f'about {self.lost}'}): undo "
            f"what came after notification {self.back_to}, and go on after that one"
        )


class EventStoreApplicationRecorder(EventStoreAggregateRecorder, ApplicationRecorder):
    """Events with a notification log: notification ids count the events of the application from 1.

    They have no gaps but at the forks of the store (a start of the server, a failover, a restore): there they go on above
    all ids that a lost part of the history may have given out.

    Inserts of one application wait for each other, from the first statement to the commit: so ids are given out in the
    order of the commits, and those of one insert are in a row. That is the price of one number instead of a cursor.
    """

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append the events, all of them or none; IntegrityError if another version is due. Returns their ids."""
        by_originator = streams(stored_events)
        # In the first event, so that an attempt can tell whether one before it, which lost the answer, was committed.
        token, tried = secrets.token_hex(8), list[int]()

        def insert(session: Session, may_be_done: bool) -> Sequence[int]:
            # Before the transaction gets its number, so that the order of this log is that of the feed.
            name = {"name": f"eventsourcing {self.application}"}
            session.run(Statement(_LOCK.encode(), name, scalar_row, nothing))
            start = next((one for one in tried if may_be_done and self._token_of(session, one) == token), None)
            if start is None:
                states = session.run(state_of(self._of(by_originator)))
                last_event_id = states[0].last_event_id
                last_id = ids.notification_id(last_event_id) if last_event_id else 0
                start = max(last_id + 1, states[0].first_id or 0)
                tried.append(start)
                self._insert(session, self._appends(by_originator, states, self._numbered(start, token)), **kwargs)
            return list(range(start, start + len(stored_events)))

        return self.datastore.repeat(insert) if by_originator else []

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
        lowest = 0 if start is None else max(start + (not inclusive_of_start), 0)
        highest = ids.LAST if stop is None else min(stop, ids.LAST)
        if lowest > highest:
            return []
        parameters = {**self._between(lowest, highest), "topics": list(topics), "limit": limit}
        of_topics = "AND e.event_type = ANY (%(topics)s)" if topics else ""
        query = f"{_NOTIFICATIONS} {of_topics} ORDER BY e.event_id LIMIT %(limit)s"
        found = self.datastore.run(Statement(query.encode(), parameters, kwargs_row(notification), list))
        # Without a gap before it, the first one shows that the place before it is one of this history.
        if not found or found[0].id != lowest:
            self._check_place(lowest - 1)
        return found

    def max_notification_id(self) -> int | None:
        """The last notification id; None if there is no event."""
        last = self.datastore.run(Statement(_LAST_ID.encode(), self._between(0, ids.LAST), scalar_row, first))
        return ids.notification_id(last) if last else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """The notifications after one, and those to come."""
        return EventStoreSubscription(recorder=self, gt=gt, topics=topics)

    def _check_place(self, notification_id: int) -> None:
        """Refuse a place that is not in this history: `LostNotificationsError`."""
        if notification_id <= 0:
            return
        parameters = {"notification_id": notification_id}
        first_after = self.datastore.run(Statement(_FORK_AFTER.encode(), parameters, scalar_row, first))
        if first_after is None:
            return
        between = self._between(0, min(first_after - 1, ids.LAST))
        last_before = self.datastore.run(Statement(_LAST_BEFORE.encode(), between, scalar_row, first))
        if last_before and notification_id > (last := ids.notification_id(last_before)):
            raise LostNotificationsError(self.application, notification_id, last)

    def _insert(self, session: Session, appends: Sequence[Append], **_: Any) -> None:
        """Append inside the transaction."""
        append(session, appends)

    def _numbered(self, start: int, token: str) -> Callable[[int, StoredEvent], NewEvent]:
        def new(place: int, event: StoredEvent) -> NewEvent:
            event_id = ids.event_id(self.application, start + place)
            return new_event(event, event_id, token if place == 0 else None)

        return new

    def _token_of(self, session: Session, notification_id: int) -> str | None:
        parameters = {"event_id": ids.event_id(self.application, notification_id)}
        return session.run(Statement(_INSERT_OF.encode(), parameters, scalar_row, first))
