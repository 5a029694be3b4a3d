"""Appends and commands."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from event_store import writes
from event_store.async_operations.base import AsyncRunner
from event_store.events import SYSTEM, Append, Appended, Command, NewEvent, Origin


class AsyncAppending(AsyncRunner):
    """Appends and commands."""

    async def append_event(
        self,
        aggregate_type: str,
        aggregate_id: UUID,
        event: NewEvent,
        *,
        expected: int | None,
        origin: Origin = SYSTEM,
        command: Command | None = None,
    ) -> Appended:
        """Append one event to one aggregate; otherwise what `append_events` does. Raises what it raises."""
        return await self.append_events(
            aggregate_type, aggregate_id, [event], expected=expected, origin=origin, command=command
        )

    async def append_events(
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
        return await self.run(
            writes.append_events(
                aggregate_type,
                aggregate_id,
                self._to_append(events),
                expected=expected,
                origin=origin,
                command=command,
            )
        )

    async def append_to_aggregates(
        self, appends: Sequence[Append], *, origin: Origin = SYSTEM, command: Command | None = None
    ) -> list[Appended]:
        """Append to several aggregates in one transaction; the result has one element for each append, in their order.

        Raises what `append_events` raises.
        """
        return await self.run(
            writes.append_to_aggregates(
                [replace(one, events=self._to_append(one.events)) for one in appends], origin, command
            )
        )

    async def check_command_processed(self, command_id: UUID) -> bool:
        """Whether the command was recorded, with events or without."""
        return await self.run(writes.check_command_processed(command_id))

    async def record_command(
        self, command: Command, aggregate_type: str, aggregate_id: UUID, *, origin: Origin = SYSTEM
    ) -> bool:
        """Record a command that has no events: True = now, False = the same one was recorded before.

        For a session: the command is to be in the transaction of what it does. Raises `CommandIdReusedError`.
        """
        return await self.run(writes.record_command(command, aggregate_type, aggregate_id, origin))
