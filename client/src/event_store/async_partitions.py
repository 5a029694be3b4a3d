"""What a consumer does with the partition that it holds: its share of it, past what is not wanted, and back."""

import logging
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

import psycopg

from event_store.aio import Event, sleep
from event_store.async_client import AsyncEventStore
from event_store.async_session import AsyncSession
from event_store.errors import LeaseLostError, LostHistoryError, UnreadableEventError
from event_store.events import Command, Origin, Page, StoredEvent
from event_store.leases import Claim, look_on

log = logging.getLogger("event_store")

#: Seconds with one partition before another one that has something to do gets its turn.
_SHARE: Final = 1.0
#: Seconds between two checkpoints of a partition in which nothing was wanted, and between two looks meanwhile.
_PASSING: Final = 0.2
_LOOK: Final = 0.05
#: So many events passed over at once: there is more to be read, and no reason to wait.
_MANY: Final = 1000
#: Seconds to wait for a connection to give a partition back when something has gone wrong: the lease ends anyway.
_LET_GO: Final = 1.0


class AsyncPartitions:
    """The partitions of a subscription, as one consumer sees them."""

    def __init__(self, store: AsyncEventStore, consumer: str, max_count: int, skip: Mapping[UUID, str]) -> None:
        self._store, self._consumer, self._max_count, self._skip = store, consumer, max_count, skip
        # When a checkpoint was last moved past events that were not wanted, by partition.
        self._passed_at: dict[int, float] = {}

    async def drain(self, claim: Claim, stop: Event | None, to_the_end: bool) -> AsyncGenerator[Page, None]:
        """The pages of a claimed partition that have events, to be acknowledged by whoever gets them; gives it back in the end."""
        share_ends = time.monotonic() + _SHARE
        try:
            while not (stop and stop.is_set()):
                if time.monotonic() >= share_ends:
                    if await self._store.is_work_waiting(claim.subscription):
                        break
                    share_ends = time.monotonic() + _SHARE
                page = await self._read(claim)
                if page is None:
                    continue
                if not page.advanced:
                    break
                page = await self._pass_over(claim, page, to_the_end)
                if page.events:
                    yield page
                else:
                    await self._store.acknowledge(claim, page.cursor)
                    self._passed_at[claim.partition] = time.monotonic()
        except LeaseLostError as error:
            log.info("%s", error.message)
        except LostHistoryError as error:
            # What was passed over is lost, and nobody has handled it; the checkpoint is right.
            log.info("%s", error.message)
            await self._store.release_partition(claim)
        except BaseException:
            # Whoever handles the events has raised something or wants no more of them, or the server is gone.
            await self._let_go(claim)
            raise
        else:
            await self._store.release_partition(claim)

    async def _read(self, claim: Claim) -> Page | None:
        """What comes next, up to an event that is to be skipped or cannot be read; None = one to skip came next, and is skipped."""
        try:
            page = await self._store.read_partition(claim, max_count=self._max_count)
        except UnreadableEventError as error:
            if error.before:
                page = await self._store.read_partition(claim, max_count=error.before)
            elif error.event_id in self._skip:
                await self._skip_over(claim, error)
                return None
            else:
                raise
        first = next((place for place, event in enumerate(page.events) if event.event_id in self._skip), None)
        if first is None:
            return page
        if first == 0:
            await self._skip_over(claim, page.events[0])
            return None
        return replace(page, events=page.events[:first], cursor=page.events[first - 1].cursor)

    async def _skip_over(self, claim: Claim, event: StoredEvent | UnreadableEventError) -> None:
        """Move the checkpoint past an event that nobody handles, and write that down."""
        data = {
            "subscription": claim.subscription,
            "event_id": str(event.event_id),
            "reason": self._skip[event.event_id],
        }
        command, origin = Command("SkipEvent", data=data), Origin(self._consumer, "service", "system")

        async def work(session: AsyncSession, _: bool) -> None:
            await session.record_command(command, event.aggregate_type, event.aggregate_id, origin=origin)
            await session.acknowledge(claim, event.cursor)

        await self._store.repeat(work)
        log.warning("%s has skipped event %s: %s", claim.subscription, event.event_id, data["reason"])

    async def _pass_over(self, claim: Claim, page: Page, to_the_end: bool) -> Page:
        """Look on after events that are not wanted, without a checkpoint for each of them: only reading, for a moment."""
        until = self._passed_at.get(claim.partition, 0.0) + _PASSING
        while not page.events and time.monotonic() < until:
            try:
                found = await self._store.run(look_on(claim, page.cursor, self._max_count))
            except UnreadableEventError:
                break  # it comes next
            if any(event.event_id in self._skip for event in found.events):
                break  # so does this one, or what comes before it
            passed = found.cursor.global_position - page.cursor.global_position
            if found.advanced:
                page = replace(found, after=page.after)
            elif to_the_end:
                break
            if passed < _MANY:
                await sleep(_LOOK)
        return page

    async def _let_go(self, claim: Claim) -> None:
        """Give the partition back if that is possible at once. What has gone wrong is what the caller should hear of."""
        try:
            async with self._store.session(_LET_GO) as session:
                await session.release_partition(claim)
        except psycopg.Error as error:
            log.info("partition %s of %s is free when its lease ends: %s", claim.partition, claim.subscription, error)
