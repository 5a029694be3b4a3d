"""The global feed: its pages, its end, and what holds it back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from event_store import queries
from event_store.async_operations.base import AsyncRunner
from event_store.events import START, Cursor, Page, StoredEvent
from event_store.reports import FeedBlocker, FeedLag, Fork
from event_store.rows import CURSOR, shape_of
from event_store.statements import ask, call, only


class AsyncFeed(AsyncRunner):
    """The global feed. What reads it raises `RestoredElsewhereError` until a database that was restored into another cluster
    has been deployed, and `LostHistoryError` if the cursor is of a history that is lost."""

    async def read_feed(
        self,
        *,
        after: Cursor = START,
        max_count: int = 1000,
        event_types: Sequence[str] | None = None,
        aggregate_types: Sequence[str] | None = None,
    ) -> Page:
        """One page of the global feed; no event is skipped or repeated while others append.

        ``max_count``: at most, and fewer if events are large: a page ends at about 16 MB. ``event_types``, ``aggregate_types``:
        None = all. With them one call looks at 10,000 events at most, so a page can be empty
        and have a new cursor nevertheless.

        Raises `RestoredElsewhereError`, `LostHistoryError`, and `UnreadableEventError`: read with ``max_count`` = its ``before`` first, if that is not
        0, and then on after its ``cursor``.
        """
        return await self.run(queries.read_feed(after, max_count, event_types, aggregate_types))

    async def read_feed_after(
        self,
        cursor: str | None = None,
        *,
        max_count: int = 1000,
        event_types: Sequence[str] | None = None,
        aggregate_types: Sequence[str] | None = None,
    ) -> Page:
        """`read_feed` with a cursor as text, see `cursor_at`; None = from the beginning. Raises `MalformedArgumentError` as well."""
        after = START if cursor is None else await self.place_of(cursor)
        return await self.read_feed(
            after=after, max_count=max_count, event_types=event_types, aggregate_types=aggregate_types
        )

    async def cursor_at(self, cursor: Cursor, created_at: datetime | None = None) -> str:
        """The cursor as text, for programs in other languages and to be kept for long: it is refused wherever its history is lost.

        ``created_at``: the time of the event there, for reads by time.
        """
        parameters = {
            "transaction_id": str(cursor.transaction_id),
            "global_position": cursor.global_position,
            "created_at": created_at,
        }
        return await self.run(ask("cursor_at", parameters))

    async def cursor_of(self, event: StoredEvent) -> str:
        """The cursor of an event as text, see `cursor_at`."""
        return await self.cursor_at(event.cursor, event.created_at)

    async def place_of(self, cursor: str) -> Cursor:
        """The place that a cursor as text means. Raises `MalformedArgumentError`, and `LostHistoryError` if its history is lost."""
        return await self.run(call("place_of", {"cursor": cursor}, CURSOR, only))

    async def scan_feed(
        self,
        *,
        after: Cursor = START,
        max_count: int = 1000,
        event_types: Sequence[str] | None = None,
        aggregate_types: Sequence[str] | None = None,
        partitions: int = 1,
        partition: int = 0,
    ) -> Page:
        """One bounded step through the feed, also for one of several partitions: looks at 10,000 events or ``max_count``.

        ``partition``: 0 to ``partitions`` - 1, see `partition_of`. `read_feed` and `read_partition` are made of it.

        Raises `RestoredElsewhereError` and `LostHistoryError`.
        """
        return await self.run(
            queries.scan_feed(
                after, max_count, event_types, aggregate_types, partitions=partitions, partition=partition
            )
        )

    async def partition_of(self, aggregate_type: str, aggregate_id: UUID, partitions: int) -> int:
        """The partition that the events of an aggregate belong to: 0 to ``partitions`` - 1."""
        parameters = {"aggregate_type": aggregate_type, "aggregate_id": aggregate_id, "partitions": partitions}
        return await self.run(ask("partition_of", parameters))

    async def feed_end(self) -> Cursor:
        """The cursor of the last event that may be read now; `START` = there is none. Raises `RestoredElsewhereError`."""
        return await self.run(queries.feed_end())

    async def feed_horizon(self) -> int:
        """The ``transaction_id`` below which the feed is final for a statement of one's own; `read_feed` is often further.

        Raises `RestoredElsewhereError`.
        """
        return await self.run(ask("feed_horizon", {}))

    async def feed_lag(self) -> FeedLag:
        """Events that are committed and may not be read yet, because an older append is not committed.

        Raises `RestoredElsewhereError`.
        """
        return await self.run(call("feed_lag", {}, shape_of(FeedLag), only))

    async def feed_blockers(self) -> list[FeedBlocker]:
        """The appends that are not committed yet, the oldest first: that one holds the feed back."""
        return await self.run(call("feed_blockers", {}, shape_of(FeedBlocker), list))

    async def check_place(self, cursor: Cursor) -> bool:
        """Whether a cursor is a place in this history of the feed: True, or `LostHistoryError`."""
        parameters = {"transaction_id": str(cursor.transaction_id), "global_position": cursor.global_position}
        return await self.run(ask("check_place", parameters))

    async def current_fork(self) -> Fork:
        """The fork that the present history begins with; it is recorded first if that is due.

        Raises `RestoredElsewhereError` and `HistoryPendingError`.
        """
        return await self.run(call("current_fork", {}, shape_of(Fork), only))
