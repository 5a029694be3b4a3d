"""Consumers of the feed.

Following is for one reader that keeps its own cursor. A subscription is for those who share the events of a named
subscription: each partition is leased to one consumer at a time, its checkpoint is kept by the server, and events of one
aggregate always come in their order. A consumer handles an event at least once; exactly once if it acknowledges in
the transaction of its own writes, which is what projecting does.
"""

import functools
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg

from event_store.aio import AsyncHandler, Event, closing, sleep
from event_store.async_client import AsyncEventStore
from event_store.async_hints import AsyncHints
from event_store.async_operations import AsyncOperations
from event_store.async_partitions import AsyncPartitions
from event_store.async_pools import came_by
from event_store.errors import LeaseLostError, LostHistoryError, UnreadableEventError
from event_store.events import START, Cursor, Page, StoredEvent
from event_store.leases import LEASE, Claim, consumer_name
from event_store.retries import Attempts

__all__ = [
    "POLL",
    "AsyncDelivery",
    "AsyncHandler",
    "AsyncSubscription",
    "consumer_name",
    "follow_async",
]

log = logging.getLogger("event_store")

#: Seconds between two looks when nobody says that there is something new.
POLL: Final = 0.5


async def follow_async(
    store: AsyncEventStore,
    *,
    after: Cursor = START,
    max_count: int = 1000,
    event_types: Sequence[str] | None = None,
    aggregate_types: Sequence[str] | None = None,
    to_the_end: bool = False,
    stop: Event | None = None,
    poll: float = POLL,
) -> AsyncGenerator[Page, None]:
    """The feed after a cursor, page by page; waits for more at its end, until ``stop`` is set. Keep ``page.cursor``.

    ``to_the_end``: do not wait. ``poll``: seconds between two looks without a hint from the server.

    Raises `UnreadableEventError` when all before that event are handed out; go on ``after`` its cursor.

    Raises `LostHistoryError` if ``after`` is of a history that is lost: undo what came after its ``back_to``, and go on from there.
    """
    read = functools.partial(store.read_feed, event_types=event_types, aggregate_types=aggregate_types)
    async with AsyncHints(store, poll) as hints:
        while not (stop and stop.is_set()):
            try:
                page = await read(after=after, max_count=max_count)
            except UnreadableEventError as error:
                if not error.before:
                    raise
                page = await read(after=after, max_count=error.before)
            if page.advanced:
                after = page.cursor
                yield page
            elif to_the_end:
                return
            else:
                await hints.wait()


@dataclass(frozen=True, slots=True)
class AsyncDelivery:
    """Events of one partition, to be handled and then acknowledged; what is not acknowledged is delivered again."""

    store: AsyncEventStore
    claim: Claim
    events: Sequence[StoredEvent]
    cursor: Cursor
    after: Cursor

    async def acknowledge(self, session: AsyncOperations | None = None) -> None:
        """Say that all of it is handled; with a ``session`` in the transaction of that session.

        Raises `LeaseLostError` if the lease ended before and somebody else handles the events, or if an earlier
        transaction of this consumer, whose answer was lost, has handled them: roll back. Raises `LostHistoryError` if the
        store has lost the events since: roll back, and undo what was done elsewhere.
        """
        if session:
            await session.acknowledge(self.claim, self.cursor, self.after)
        else:
            await self.store.acknowledge(self.claim, self.cursor)


class AsyncSubscription:
    """A consumer of a named subscription, which `create_subscription` makes.

    ``lease``: how long a partition stays with a consumer that says nothing; longer than it takes to handle ``max_count`` events.
    ``poll``: seconds between two looks without a hint from the server. ``skip``: events that are not to be delivered, by their ids,
    and why, because they cannot be read (`UnreadableEventError`) or handled. Each is recorded as a command SkipEvent.
    """

    def __init__(
        self,
        store: AsyncEventStore,
        name: str,
        *,
        consumer: str | None = None,
        lease: timedelta = LEASE,
        max_count: int = 500,
        poll: float = POLL,
        skip: Mapping[UUID, str] | None = None,
    ) -> None:
        self.store, self.name = store, name
        self.consumer = consumer or consumer_name()
        self._lease, self._poll = lease, poll
        self._partitions = AsyncPartitions(store, self.consumer, max_count, skip or {})

    async def deliveries(
        self, *, to_the_end: bool = False, stop: Event | None = None
    ) -> AsyncGenerator[AsyncDelivery, None]:
        """Claim partitions that have something to do, one after the other, and deliver what is in them.

        After a second another partition has its turn, if there is one with something to do: the one that has waited longest.
        Waits for more until ``stop`` is set; with ``to_the_end`` only until no free partition has anything left.

        Raises `LeaseLostError` if there is no such subscription.
        """
        async with AsyncHints(self.store, self._poll) as hints:
            # The first claim without asking: it is refused if there is no such subscription.
            begun = False
            while not (stop and stop.is_set()):
                claim = None
                if not begun or await self.store.is_work_waiting(self.name):
                    begun = True
                    claim = await self.store.claim_partition(self.name, self.consumer, self._lease)
                if claim:
                    async with closing(self._partitions.drain(claim, stop, to_the_end)) as pages:
                        async for page in pages:
                            yield AsyncDelivery(self.store, claim, page.events, page.cursor, page.after)
                elif to_the_end:
                    return
                else:
                    await hints.wait()

    async def project(self, handler: AsyncHandler, *, to_the_end: bool = False, stop: Event | None = None) -> None:
        """Call ``handler`` with each event, in one transaction with the checkpoint: each event takes effect exactly once.

        ``handler`` writes by the connection that it gets, and nowhere else. When it raises, its transaction is rolled back,
        the partition is released, and the error is the caller's; also one of another database that it reads. A lost connection
        or lease of the store is not an error: the events are delivered again, from the checkpoint, wherever that is. Neither is
        a lost history: what the handler has written in the store is lost with it.
        """
        attempts, place = Attempts(self.store.retries), None
        # Closed here and not some time later, so that the partition is released when the handler raises.
        async with closing(self.deliveries(to_the_end=to_the_end, stop=stop)) as deliveries:
            async for delivery in deliveries:
                if place != (delivery.claim.partition, delivery.after):
                    attempts, place = Attempts(self.store.retries), (delivery.claim.partition, delivery.after)
                session = None
                try:
                    async with self.store.transaction() as session:
                        for event in delivery.events:
                            await handler(session.connection, event)
                        await delivery.acknowledge(session)
                except (LeaseLostError, LostHistoryError) as error:
                    log.info("%s", error.message)
                except psycopg.Error as error:
                    if session and not came_by(session.connection, error):
                        raise
                    pause = attempts.pause_after(error, repeatable=True)
                    log.info("delivering again in %.2f s: %s", pause, error)
                    await sleep(pause)
