"""Reads across aggregates: by time for reports and people, by cursor for those who must not miss an event."""

from datetime import datetime
from uuid import UUID

from event_store import queries
from event_store.async_operations.base import AsyncRunner
from event_store.events import START, Cursor, StoredEvent


class AsyncSearching(AsyncRunner):
    """Reads across aggregates. Their answers are limited by ``max_count`` only, not by size: give it."""

    async def get_events_by_type(
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
        return await self.run(
            queries.events(
                "get_events_by_type",
                event_type=event_type,
                from_time=from_time,
                after_position=after_position,
                max_count=max_count,
            )
        )

    async def get_events_by_type_backward(
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
        return await self.run(
            queries.events(
                "get_events_by_type_backward",
                event_type=event_type,
                until_time=until_time,
                before_position=before_position,
                max_count=max_count,
            )
        )

    async def get_events_in_time_range(
        self,
        from_time: datetime,
        until_time: datetime,
        *,
        after_position: int = 0,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """All events with ``from_time`` <= time < ``until_time``, the oldest first; pages as in `get_events_by_type`."""
        return await self.run(
            queries.events(
                "get_events_in_time_range",
                from_time=from_time,
                until_time=until_time,
                after_position=after_position,
                max_count=max_count,
            )
        )

    async def get_events_in_time_range_backward(
        self,
        from_time: datetime,
        until_time: datetime,
        *,
        before_position: int = 0,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """All events with ``from_time`` <= time < ``until_time``, the newest first.

        The next page: ``until_time`` and ``before_position`` are the last event's ``created_at`` and ``global_position``.
        """
        return await self.run(
            queries.events(
                "get_events_in_time_range_backward",
                from_time=from_time,
                until_time=until_time,
                before_position=before_position,
                max_count=max_count,
            )
        )

    async def get_events_by_category(
        self, aggregate_type: str, *, after: Cursor = START, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events of all aggregates of one type, in the feed's order; the next page comes after the last one's cursor."""
        return await self.run(
            queries.events(
                "get_events_by_category",
                aggregate_type=aggregate_type,
                max_count=max_count,
                **queries.forward(after),
            )
        )

    async def get_events_by_category_backward(
        self, aggregate_type: str, *, before: Cursor | None = None, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events of all aggregates of one type, against the feed's order, back from a cursor; None = the end."""
        return await self.run(
            queries.events(
                "get_events_by_category_backward",
                aggregate_type=aggregate_type,
                max_count=max_count,
                **queries.backward(before),
            )
        )

    async def get_events_by_correlation(
        self, correlation_id: UUID, *, after: Cursor = START, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events of one correlation, in the feed's order."""
        return await self.run(
            queries.events(
                "get_events_by_correlation",
                correlation_id=correlation_id,
                max_count=max_count,
                **queries.forward(after),
            )
        )

    async def get_events_by_causation(
        self, causation_id: UUID, *, after: Cursor = START, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The events that one command or event has caused, in the feed's order."""
        return await self.run(
            queries.events(
                "get_events_by_causation",
                causation_id=causation_id,
                max_count=max_count,
                **queries.forward(after),
            )
        )
