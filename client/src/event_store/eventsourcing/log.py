"""The numbered log of one application: what its notification ids, and the positions of its decisions, have in common.

Numbers count the events of the application from 1, in the order of the commits. They have no gaps but at the forks of the store
(a start of the server, a failover, a restore): there they go on above all that a lost part of the history may have given out.
"""

from typing import Any, Final

from eventsourcing.persistence import ProgrammingError
from psycopg.rows import scalar_row

from event_store.client import Session
from event_store.errors import LostHistoryError
from event_store.eventsourcing import ids
from event_store.eventsourcing.datastore import Datastore
from event_store.statements import Statement, first, nothing

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"

_LAST_ID: Final = """
    SELECT e.event_id
      FROM event_store.events e
     WHERE e.event_id BETWEEN %(first)s AND %(last)s
     ORDER BY e.event_id DESC
     LIMIT 1"""

#: The last id of the application, and the number from which on it has to count.
NEXT: Final = f"""
    SELECT ({_LAST_ID}) AS last_id,
           (SELECT f.first_position FROM event_store.current_fork() f WHERE f.reason <> 'first') AS first_id"""

_INSERT_OF: Final = """
    SELECT e.metadata -> 'eventsourcing' ->> 'insert' FROM event_store.events e WHERE e.event_id = %(event_id)s"""

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


class Log:
    """The numbers of one application."""

    def __init__(self, datastore: Datastore, application: str) -> None:
        self._datastore, self._application = datastore, application

    def lock(self, session: Session) -> None:
        """Wait for the turn, until the end of the transaction.

        To be called before the transaction gets its number in the feed, so that the order of this log is that of the feed.
        """
        session.run(Statement(_LOCK.encode(), {"name": f"eventsourcing {self._application}"}, scalar_row, nothing))

    def token_of(self, session: Session, number: int) -> str | None:
        """What tells the insert that an event was the first of."""
        parameters = {"event_id": ids.event_id(self._application, number)}
        return session.run(Statement(_INSERT_OF.encode(), parameters, scalar_row, first))

    def last(self) -> int | None:
        """The last number; None if there is no event."""
        last = self._datastore.run(
            Statement(_LAST_ID.encode(), ids.between(self._application, 0, ids.LAST), scalar_row, first)
        )
        return ids.notification_id(last) if last else None

    def check_place(self, number: int, session: Session | None = None) -> None:
        """Refuse a place that is not in this history: `LostNotificationsError`."""
        if number <= 0:
            return
        run = session.run if session else self._datastore.run
        parameters: dict[str, Any] = {"notification_id": number}
        first_after = run(Statement(_FORK_AFTER.encode(), parameters, scalar_row, first))
        if first_after is None:
            return
        between = ids.between(self._application, 0, min(first_after - 1, ids.LAST))
        last_before = run(Statement(_LAST_BEFORE.encode(), between, scalar_row, first))
        if last_before and number > (last := ids.notification_id(last_before)):
            raise LostNotificationsError(self._application, number, last)
