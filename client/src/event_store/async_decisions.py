"""Decisions: read, decide, append; and decide again when somebody else was faster."""

import dataclasses
from collections.abc import Callable, Sequence
from uuid import UUID

from event_store import errors, writes
from event_store.aio import sleep
from event_store.async_operations import AsyncOperations
from event_store.events import SYSTEM, Append, Appended, Command, Loaded, NewEvent, Origin
from event_store.retries import Attempts, Retries
from event_store.selections import QueryItem, Selection


class AsyncDecisions(AsyncOperations):
    """Decisions on what is stored, about one aggregate or across several."""

    retries: Retries

    async def decide(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        decision: Callable[[Loaded], Sequence[NewEvent]],
        *,
        origin: Origin = SYSTEM,
        command: Command | None = None,
    ) -> Appended | None:
        """Load, decide, append; and decide again, with what has come since, when somebody else was faster.

        ``decision`` gets what is stored and returns the events to append, none = nothing to do (the result is None). It is called
        again after each conflict, so it must not do anything else. With a ``command`` that was processed before nothing is
        decided or appended, and the first result comes back.

        Raises what ``decision`` raises, `VersionConflictError` after too many conflicts in a row (see `Retries`), and
        `CommandIdReusedError` if the command id was used for something else.
        """
        attempts = Attempts(self.retries)
        if command:
            # With data, because the events may be others each time.
            command = dataclasses.replace(command, data=command.data or {})
            first = await self.run(writes.result_of(command, aggregate_type, aggregate_id))
            if first:
                return first
        loaded = await self.load_aggregate(aggregate_type, aggregate_id)
        while True:
            events = decision(loaded)
            if not events:
                return None
            try:
                return await self.append_events(
                    aggregate_type, aggregate_id, events, expected=loaded.version, origin=origin, command=command
                )
            except errors.VersionConflictError as conflict:
                pause = attempts.pause_after_conflict(conflict)
            await sleep(pause)
            newer = await self.get_events_since(aggregate_type, aggregate_id, loaded.version)
            loaded = dataclasses.replace(loaded, events=[*loaded.events, *newer])

    async def decide_across(
        self,
        query: Sequence[QueryItem],
        decision: Callable[[Selection], Sequence[Append]],
        *,
        origin: Origin = SYSTEM,
        command: Command | None = None,
    ) -> list[Appended]:
        """Read what matches, decide, append; and decide again when something that matches has come since.

        ``decision`` gets what is stored and returns what to append, none = nothing to do (the result is empty). It is called again
        after each conflict, so it must not do anything else. With a ``command`` that was processed before nothing is decided or
        appended, and the first results come back.

        Raises what ``decision`` raises, `DecisionConflictError` after too many conflicts in a row (see `Retries`), and
        `CommandIdReusedError` if the command id was used for something else.
        """
        attempts = Attempts(self.retries)
        if command:
            # With data, because the events may be others each time.
            command = dataclasses.replace(command, data=command.data or {})
            first = await self.run(writes.results_of(command))
            if first:
                return first
        while True:
            selection = await self.read_events(query)
            appends = decision(selection)
            if not appends:
                return []
            try:
                return await self.append_if(appends, query, selection.marker, origin=origin, command=command)
            except errors.CommandIdReusedError:
                # A second sender of the same command may have decided at the same time, on aggregates with other ids.
                first = await self.run(writes.results_of(command)) if command else []
                if first:
                    return first
                raise
            except (errors.VersionConflictError, errors.DecisionConflictError, errors.OtherHistoryError) as conflict:
                pause = attempts.pause_after_conflict(conflict)
            await sleep(pause)
