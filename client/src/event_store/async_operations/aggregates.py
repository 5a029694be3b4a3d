"""Reads of one aggregate, and its snapshots."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

from event_store import queries
from event_store.async_operations.base import AsyncRunner
from event_store.events import Loaded, Snapshot, StoredEvent
from event_store.statements import ask


class AsyncAggregates(AsyncRunner):
    """Reads of one aggregate, and its snapshots."""

    async def get_events(
        self, aggregate_type: str, aggregate_id: UUID, *, from_version: int = 1, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The aggregate's events from a version on (inclusive), the oldest first."""
        return await self.run(
            queries.events(
                "get_events",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                from_version=from_version,
                max_count=max_count,
            )
        )

    async def get_events_backward(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        from_version: int | None = None,
        max_count: int | None = None,
    ) -> list[StoredEvent]:
        """The aggregate's events from a version back (inclusive; None = the newest), the newest first."""
        return await self.run(
            queries.events(
                "get_events_backward",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                from_version=from_version,
                max_count=max_count,
            )
        )

    async def get_events_since(
        self, aggregate_type: str, aggregate_id: UUID, after_version: int, *, max_count: int | None = None
    ) -> list[StoredEvent]:
        """The aggregate's events after a version that the caller has seen (exclusive), the oldest first."""
        return await self.run(
            queries.events(
                "get_events_since",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                after_version=after_version,
                max_count=max_count,
            )
        )

    async def get_version_at(self, aggregate_type: str, aggregate_id: UUID, at_time: datetime) -> int:
        """The version that the aggregate had at a time, its events of exactly that time included; 0 = it was not there yet."""
        parameters = {"aggregate_type": aggregate_type, "aggregate_id": aggregate_id, "at_time": at_time}
        return await self.run(ask("get_version_at", parameters))

    async def load_aggregate(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        snapshot_version: int | None = None,
        at_version: int | None = None,
        at_time: datetime | None = None,
    ) -> Loaded:
        """The latest snapshot and the events after it.

        ``snapshot_version``: only a snapshot of this layout of the state. ``at_version``, ``at_time``: as it was then,
        the earlier one of both.

        Raises `RetentionRefusedError` if events that are needed have left the store.
        """
        return await self.run(
            queries.load_aggregate(aggregate_type, aggregate_id, snapshot_version, at_version, at_time)
        )

    async def load_pages(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        snapshot_version: int | None = None,
        at_version: int | None = None,
        at_time: datetime | None = None,
    ) -> AsyncGenerator[Loaded, None]:
        """What `load_aggregate` returns, in parts of about 16 MB, for an aggregate that is too large for one answer.

        A part is either a snapshot, which the state begins with, or the events that come next. The last one has the version that
        the aggregate had when the first one was read. No part: there is no such aggregate.

        Raises `RetentionRefusedError` if events that are needed have left the store.
        """
        if at_time is not None:
            then = await self.get_version_at(aggregate_type, aggregate_id, at_time)
            at_version = then if at_version is None else min(then, at_version)
        snapshot = await self.get_snapshot(
            aggregate_type, aggregate_id, at_version=at_version, snapshot_version=snapshot_version
        )
        newest = await self.get_events_backward(aggregate_type, aggregate_id, from_version=at_version, max_count=1)
        version, last = (snapshot.aggregate_version if snapshot else 0), (newest[0].event_version if newest else 0)
        if snapshot:
            yield Loaded(snapshot, [])
        while version < last:
            events = await self.run(queries.page_of_aggregate(aggregate_type, aggregate_id, version, last))
            if not events or events[0].event_version > version + 1:
                break
            yield Loaded(None, events)
            version = events[-1].event_version
        if version < last or not version:
            # What comes next has left the store. The store says so, or begins with a later snapshot.
            rest = await self.load_aggregate(
                aggregate_type, aggregate_id, snapshot_version=snapshot_version, at_version=at_version
            )
            if rest.version:
                yield rest

    async def save_snapshot(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        aggregate_version: int,
        data: Any,
        *,
        snapshot_version: int = 1,
    ) -> bool:
        """Keep the state after the event ``aggregate_version``: False = it was there already, or a newer layout of it.

        Raises `SnapshotAheadError` if the aggregate has no such version yet.
        """
        return await self.run(
            queries.save_snapshot(aggregate_type, aggregate_id, aggregate_version, data, snapshot_version)
        )

    async def get_latest_snapshot(
        self, aggregate_type: str, aggregate_id: UUID, *, snapshot_version: int | None = None
    ) -> Snapshot | None:
        """The latest snapshot; None = there is none. ``snapshot_version``: only of this layout of the state."""
        return await self.run(
            queries.snapshot(
                "get_latest_snapshot",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                snapshot_version=snapshot_version,
            )
        )

    async def get_snapshot_at(
        self, aggregate_type: str, aggregate_id: UUID, at_version: int, *, snapshot_version: int | None = None
    ) -> Snapshot | None:
        """The latest snapshot at or before a version of the aggregate; None = there is none.

        ``snapshot_version``: only of this layout of the state.
        """
        return await self.run(
            queries.snapshot(
                "get_snapshot_at",
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                at_version=at_version,
                snapshot_version=snapshot_version,
            )
        )

    async def get_snapshot(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        *,
        at_version: int | None = None,
        snapshot_version: int | None = None,
    ) -> Snapshot | None:
        """`get_latest_snapshot`, or with ``at_version`` `get_snapshot_at`."""
        if at_version is None:
            return await self.get_latest_snapshot(aggregate_type, aggregate_id, snapshot_version=snapshot_version)
        return await self.get_snapshot_at(aggregate_type, aggregate_id, at_version, snapshot_version=snapshot_version)
