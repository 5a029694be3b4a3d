"""Decisions that span aggregates."""

from collections.abc import Sequence
from dataclasses import replace

from event_store import queries, writes
from event_store.async_operations.base import AsyncRunner
from event_store.events import START, SYSTEM, Append, Appended, Command, Cursor, Origin
from event_store.selections import QueryItem, Selection


class AsyncDeciding(AsyncRunner):
    """Decisions that span aggregates."""

    async def read_events(
        self, query: Sequence[QueryItem], *, after: Cursor = START, max_count: int | None = None
    ) -> Selection:
        """The events that match one of the items, for a decision that `append_if` stores; ``query`` [] = every event.

        The marker is about the whole query, whatever ``after`` and ``max_count`` leave out. Raises `MalformedArgumentError`, `LostHistoryError`.
        """
        return await self.run(queries.read_events(query, after, max_count))

    async def append_if(
        self,
        appends: Sequence[Append],
        query: Sequence[QueryItem],
        marker: str | None,
        *,
        origin: Origin = SYSTEM,
        command: Command | None = None,
    ) -> list[Appended]:
        """Append if no event that matches the query has been stored since the marker; one result for each append.

        ``marker``: of `read_events` with the same query; None = no event may match at all.

        Raises `DecisionConflictError`, `OtherHistoryError`, and what `append_events` raises.
        """
        return await self.run(
            writes.append_if(
                [replace(one, events=self._to_append(one.events)) for one in appends], query, marker, origin, command
            )
        )
