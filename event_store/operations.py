"""Everything that one call to the store can do. `EventStore` runs it on a connection of its pool, with retries; `Session` on
one connection, inside the caller's transaction.

Each method is named after the SQL function that it calls. All raise the errors of `event_store.errors`, and psycopg's for
everything that is not the store's. ``max_count`` None means all.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from event_store import queries, statements
from event_store.events import (
    START,
    SYSTEM,
    Append,
    Appended,
    Command,
    Cursor,
    Loaded,
    NewEvent,
    Origin,
    Snapshot,
    StoredEvent,
)
from event_store.statements import Statement

T = TypeVar("T")


class Operations(ABC):
    """What a store and a session have in common."""

    @abstractmethod
    def run(self, statement: Statement[T]) -> T:
        """Run one statement and return its answer."""

    def _command(self, command: Command | None) -> Command | None:
        """The command under which events are appended."""
        return command

    # Append

    def append_events(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        events: Sequence[NewEvent],
        *,
        expected: int | None,
        origin: Origin = SYSTEM,
        command: Command | None = None,
    ) -> Appended:
        """Append events to one aggregate, all of them or none; returns the place of the last one.

        ``expected``: the version that the caller has seen, or `NOT_THERE`, `THERE` or `ANY`. ``command``: what the events are
        the answer to; the same command again returns its first result and appends nothing.

        Raises `VersionConflictError`, `CommandIdReusedError`, `EventIdStoredError`, `MalformedArgumentError`, `UnknownEventTypeError`, `InvalidPayloadError`.
        """
        return self.run(
            statements.append_events(
                aggregate_type,
                aggregate_id,
                events,
                expected=expected,
                origin=origin,
                command=self._command(command),
            )
        )

    def append_to_aggregates(
        self, appends: Sequence[Append], *, origin: Origin = SYSTEM, command: Command | None = None
    ) -> list[Appended]:
        """Append to several aggregates in one transaction; the result has one element for each append, in their order.

        Raises what `append_events` raises.
        """
        return self.run(statements.append_to_aggregates(appends, origin, self._command(command)))

    # Commands

    def check_command_processed(self, command_id: UUID) -> bool:
        """Whether the command was recorded, with events or without."""
        return self.run(statements.check_command_processed(command_id))

    def record_command(
        self, command: Command, aggregate_type: str, aggregate_id: UUID, *, origin: Origin = SYSTEM
    ) -> bool:
        """Record a command that has no events: True = now, False = the same one was recorded before.

        For a session: the command is to be in the transaction of what it does. Raises `CommandIdReusedError`.
        """
        return self.run(statements.record_command(command, aggregate_type, aggregate_id, origin))

    # One aggregate

    def get_events(
        self, aggregate_type: str, aggregate_id: UUID, *, from_version: int = 1, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The aggregate's events from a version on (inclusive), the oldest first."""
        return self.run(
            queries.events(
                "get_events",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                from_version=from_version,
                max_count=max_count,
            )
        )

    def get_events_backward(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        from_version: int | None = None,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """The aggregate's events from a version back (inclusive; None = the newest), the newest first."""
        return self.run(
            queries.events(
                "get_events_backward",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                from_version=from_version,
                max_count=max_count,
            )
        )

    def get_events_since(
        self, aggregate_type: str, aggregate_id: UUID, after_version: int, *, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The aggregate's events after a version that the caller has seen (exclusive), the oldest first."""
        return self.run(
            queries.events(
                "get_events_since",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                after_version=after_version,
                max_count=max_count,
            )
        )

    def load_aggregate(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        snapshot_version: int | None = None,
        at_version: int | None = None,
        at_time: datetime | None = None,
    ) -> Loaded:
        """The latest snapshot and the events after it.

        ``snapshot_version``: only a snapshot of this layout of the state. ``at_version``, ``at_time``: as it was then.
        """
        return self.run(queries.load_aggregate(aggregate_type, aggregate_id, snapshot_version, at_version, at_time))

    def save_snapshot(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        aggregate_version: int,
        data: Any,
        *,
        snapshot_version: int = 1,
    ) -> bool:
        """Keep the state after the event ``aggregate_version``: False = it was there already, or a newer layout of it.

        Raises `SnapshotAheadError` where the aggregate has no such version yet.
        """
        return self.run(queries.save_snapshot(aggregate_type, aggregate_id, aggregate_version, data, snapshot_version))

    def get_snapshot(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        at_version: int | None = None,
        snapshot_version: int | None = None,
    ) -> Snapshot | None:
        """The latest snapshot, or the latest one at or before ``at_version``; None = there is none."""
        return self.run(queries.get_snapshot(aggregate_type, aggregate_id, at_version, snapshot_version))

    # Across aggregates, by time: for reports and people

    def get_events_by_type(
        self,
        event_type: str,
        *,
        from_time: datetime | None = None,
        after_position: int = 0,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """The events of one type from a time on (inclusive), the oldest first.

        The next page: ``from_time`` and ``after_position`` are the last event's ``created_at`` and ``global_position``.
        """
        return self.run(
            queries.events(
                "get_events_by_type",
                event_type=event_type,
                from_time=from_time,
                after_position=after_position,
                max_count=max_count,
            )
        )

    def get_events_by_type_backward(
        self,
        event_type: str,
        *,
        until_time: datetime | None = None,
        before_position: int = 0,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """The events of one type back from a time (exclusive), the newest first.

        The next page: ``until_time`` and ``before_position`` are the last event's ``created_at`` and ``global_position``.
        """
        return self.run(
            queries.events(
                "get_events_by_type_backward",
                event_type=event_type,
                until_time=until_time,
                before_position=before_position,
                max_count=max_count,
            )
        )

    def get_events_in_time_range(
        self,
        from_time: datetime,
        until_time: datetime,
        *,
        after_position: int = 0,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """All events with ``from_time`` <= time < ``until_time``, the oldest first; pages as in `get_events_by_type`."""
        return self.run(
            queries.events(
                "get_events_in_time_range",
                from_time=from_time,
                until_time=until_time,
                after_position=after_position,
                max_count=max_count,
            )
        )

    # Across aggregates, by the feed's cursor: nothing is skipped, nothing comes twice

    def get_events_by_category(
        self, aggregate_type: str, *, after: Cursor = START, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events of all aggregates of one type, in the feed's order; the next page comes after the last one's cursor."""
        return self.run(
            queries.events(
                "get_events_by_category",
                aggregate_type=aggregate_type,
                max_count=max_count,
                **queries.after(after),
            )
        )

    def get_events_by_category_backward(
        self, aggregate_type: str, *, before: Cursor | None = None, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events of all aggregates of one type, against the feed's order, back from a cursor; None = the end."""
        return self.run(
            queries.events(
                "get_events_by_category_backward",
                aggregate_type=aggregate_type,
                max_count=max_count,
                **queries.before(before),
            )
        )

    def get_events_by_correlation(
        self, correlation_id: UUID, *, after: Cursor = START, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events of one correlation, in the feed's order."""
        return self.run(
            queries.events(
                "get_events_by_correlation",
                correlation_id=correlation_id,
                max_count=max_count,
                **queries.after(after),
            )
        )

    def get_events_by_causation(
        self, causation_id: UUID, *, after: Cursor = START, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events that one command or event has caused, in the feed's order."""
        return self.run(
            queries.events(
                "get_events_by_causation",
                causation_id=causation_id,
                max_count=max_count,
                **queries.after(after),
            )
        )

    def read_feed(
        self,
        *,
        after: Cursor = START,
        max_count: int = 1000,
        event_types: Sequence[str] | None = None,
        aggregate_types: Sequence[str] | None = None,
    ) -> list[StoredEvent]:
        """One page of the global feed; no event is skipped or repeated while others append.

        Raises `RestoredElsewhereError` until a database that was restored into another cluster has been deployed.
        """
        return self.run(
            queries.events(
                "read_feed",
                max_count=max_count,
                event_types=event_types if event_types is None else list(event_types),
                aggregate_types=aggregate_types if aggregate_types is None else list(aggregate_types),
                **queries.after(after),
            )
        )

    def feed_end(self) -> Cursor:
        """The cursor of the last event that may be read now; `START` = there is none."""
        return self.run(queries.feed_end())
