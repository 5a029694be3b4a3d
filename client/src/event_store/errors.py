"""The store's own errors, one class for each SQLSTATE; everything else stays psycopg's.

Each carries the server's message, its detail (expected and actual, the path inside the payload, ...) and its hint: what to
do next.
"""

import re
from typing import Final
from uuid import UUID

import psycopg

from event_store import misuse, store_error, unreadable
from event_store.events import START, Cursor

#: Not the server's errors, but raised and caught beside them.
UnreadableEventError = unreadable.UnreadableEventError
UnreadableSnapshotError = unreadable.UnreadableSnapshotError
ForkedError, PoolerError = misuse.ForkedError, misuse.PoolerError

EventStoreError = store_error.EventStoreError


class VersionConflictError(EventStoreError):
    """The aggregate is at another version: read the events since, decide again, append with the actual one.

    ``expected`` is a version, or what the append expected in words; ``actual`` is the aggregate's version, 0 = not there.
    """

    sqlstate = "SE001"

    @property
    def expected(self) -> str:
        """The expected version, or the expectation in words."""
        return self._detail(r"expected(?: version)? (.+?),")[1]

    @property
    def actual(self) -> int:
        """The aggregate's version; 0 = not there."""
        return int(self._detail(r"actual(?: version)? (\d+)")[1])


class MalformedArgumentError(EventStoreError):
    """An argument or an event is not what the function takes; the hint lists what is."""

    sqlstate = "SE002"


class EventIdStoredError(EventStoreError):
    """The event id is stored already: read the event back instead of appending it again."""

    sqlstate = "SE003"


class CommandIdReusedError(EventStoreError):
    """The command id was used with other content: a new command needs a new id."""

    sqlstate = "SE004"


class AppendOnlyError(EventStoreError):
    """Somebody tried to change what is append-only: append an event that corrects the earlier one."""

    sqlstate = "SE005"


class UnknownEventTypeError(EventStoreError):
    """The event type is not registered, and the store takes registered ones only."""

    sqlstate = "SE006"


class InvalidPayloadError(EventStoreError):
    """The payload breaks the JSON schema of its event type; the detail names the path."""

    sqlstate = "SE007"


class SchemaRefusedError(EventStoreError):
    """The JSON schema is not valid, or not one that the store can check."""

    sqlstate = "SE008"


class SnapshotAheadError(EventStoreError):
    """The snapshot claims events that are not there."""

    sqlstate = "SE009"


class LeaseLostError(EventStoreError):
    """The subscription is not known, or this consumer no longer holds the partition: claim it again.

    Also if the page that it acknowledges is acknowledged already: roll back, and read again.
    """

    sqlstate = "SE010"


class SubscriptionExistsError(EventStoreError):
    """A subscription of this name is there, with another definition."""

    sqlstate = "SE011"


class RestoredElsewhereError(EventStoreError):
    """The database was restored into another cluster, or has lost its settings: deploy."""

    sqlstate = "SE012"


class ProjectionStateError(EventStoreError):
    """The projection is not known, or not in a state for that."""

    sqlstate = "SE013"


class SubjectErasedError(EventStoreError):
    """The personal data of this subject were erased."""

    sqlstate = "SE014"


class RetentionRefusedError(EventStoreError):
    """The events may not leave the store: too young, not sealed or not exported."""

    sqlstate = "SE015"


class SealBrokenError(EventStoreError):
    """The stored events are not those that were sealed."""

    sqlstate = "SE016"


class PayloadNotCheckedError(EventStoreError):
    """The payloads are too big to be checked in one call, or checking takes too long: nothing was decided about them."""

    sqlstate = "SE017"


class LostHistoryError(EventStoreError):
    """The cursor is of a history of the store that is lost: in a restore, a failover or a crash.

    Undo what you did for events after ``back_to``, then go on from there. ``fork``: names the place where the histories part
    (`event_store.forks`), None = it is not known; ``events_lost``: about how many events up to the cursor are no longer
    there, None = unknown.
    """

    sqlstate = "SE018"

    @property
    def back_to(self) -> Cursor:
        """The last place before the fork, from which every event is still to be read; `START` if the fork is not known."""
        if self.fork is None:
            return START
        transaction_id, position = self._detail(r"after \((\d+), (\d+)\)").groups()
        return Cursor(int(transaction_id), int(position))

    @property
    def fork(self) -> UUID | None:
        """The id of the fork; None = nothing of the cursor's history is known to the store."""
        if "its history is not known" in self.detail:
            return None
        return UUID(self._detail(r"fork ([0-9a-f-]{36})")[1])

    @property
    def events_lost(self) -> int | None:
        """About how many events up to the cursor are lost; None = unknown."""
        match = re.search(r"up to the cursor: about (\d+)", self.detail)
        return int(match[1]) if match else None


class HistoryPendingError(EventStoreError, psycopg.OperationalError):
    """The store begins a new history, after a start or a failover: try again in a moment, as the client does by itself."""

    sqlstate = "SE019"  # type: ignore[misc]  # the driver's is of each error


class PooledSessionError(EventStoreError):
    """The user was to be set for a session behind a pooler, which hands sessions on: set it in each transaction."""

    sqlstate = "SE020"


class DecisionConflictError(EventStoreError):
    """An event that matches the decision's query has been stored since: read the events again, and decide again."""

    sqlstate = "SE021"

    @property
    def event_id(self) -> UUID:
        """The first event that stands against the decision."""
        return UUID(self._detail(r"event ([0-9a-f-]{36})")[1])


class OtherHistoryError(EventStoreError):
    """The marker is of another history of the store, which was started since: read the events again, and decide again."""

    sqlstate = "SE022"


#: What an append can meet that was carried out before, and whose answer was lost.
IN_THE_WAY: Final = (VersionConflictError, EventIdStoredError, DecisionConflictError, OtherHistoryError)

BY_SQLSTATE: dict[str, type[EventStoreError]] = {cls.sqlstate: cls for cls in EventStoreError.__subclasses__()}


def from_database(error: psycopg.Error) -> EventStoreError | None:
    """The store's error behind the driver's, if it is one of the store's."""
    cls = BY_SQLSTATE.get(error.sqlstate or "")
    if cls is None:
        return None
    diagnostic = error.diag
    return cls(diagnostic.message_primary or str(error), diagnostic.message_detail or "", diagnostic.message_hint or "")
