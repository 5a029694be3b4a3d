"""The recorder of applications: events with a notification log."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription
from psycopg.rows import kwargs_row

from event_store.client import Session
from event_store.events import Append, NewEvent
from event_store.eventsourcing import ids
from event_store.eventsourcing.datastore import append
from event_store.eventsourcing.log import Log
from event_store.eventsourcing.recorders import EventStoreAggregateRecorder, state_of
from event_store.eventsourcing.rows import EVENT, new_event, notification, streams
from event_store.eventsourcing.subscription import EventStoreSubscription
from event_store.statements import Statement

_NOTIFICATIONS: Final = f"""
    SELECT {EVENT}
      FROM event_store.events e
     WHERE e.event_id BETWEEN %(first)s AND %(last)s"""


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
        token, tried, log = secrets.token_hex(8), list[int](), self._log

        def insert(session: Session, may_be_done: bool) -> Sequence[int]:
            log.lock(session)
            start = next((one for one in tried if may_be_done and log.token_of(session, one) == token), None)
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
        parameters = {**ids.between(self.application, lowest, highest), "topics": list(topics), "limit": limit}
        of_topics = "AND e.event_type = ANY (%(topics)s)" if topics else ""
        query = f"{_NOTIFICATIONS} {of_topics} ORDER BY e.event_id LIMIT %(limit)s"
        found = self.datastore.run(Statement(query.encode(), parameters, kwargs_row(notification), list))
        # Without a gap before it, the first one shows that the place before it is one of this history.
        if not found or found[0].id != lowest:
            self._log.check_place(lowest - 1)
        return found

    def max_notification_id(self) -> int | None:
        """The last notification id; None if there is no event."""
        return self._log.last()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """The notifications after one, and those to come."""
        return EventStoreSubscription(recorder=self, gt=gt, topics=topics)

    @property
    def _log(self) -> Log:
        return Log(self.datastore, self.application)

    def _insert(self, session: Session, appends: Sequence[Append], **_: Any) -> None:
        """Append inside the transaction."""
        append(session, appends)

    def _numbered(self, start: int, token: str) -> Callable[[int, StoredEvent], NewEvent]:
        def new(place: int, event: StoredEvent) -> NewEvent:
            event_id = ids.event_id(self.application, start + place)
            return new_event(event, event_id, token if place == 0 else None)

        return new
