"""Consumers of the feed.

`follow` is for one reader that keeps its own cursor. A `Subscription` is for those who share the events of a named
subscription: each partition is leased to one consumer at a time, its checkpoint is kept by the server, and events of one
aggregate always come in their order. A consumer handles an event at least once; exactly once where it acknowledges in
the transaction of its own writes, which is what `Subscription.project` does.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg

from event_store.client import EventStore
from event_store.errors import LeaseLostError
from event_store.events import START, Cursor, Page, StoredEvent
from event_store.hints import Hints
from event_store.leases import LEASE, Claim
from event_store.operations import Operations
from event_store.retries import Attempts

log = logging.getLogger("event_store")

#: Seconds between two looks when nobody says that there is something new.
POLL: Final = 0.5

Handler = Callable[["psycopg.Connection[Any]", StoredEvent], None]


def consumer_name() -> str:
    """Where a consumer runs, for people who look at a subscription."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"


def follow(
    store: EventStore,
    *,
    after: Cursor = START,
    max_count: int = 1000,
    event_types: Sequence[str] | None = None,
    aggregate_types: Sequence[str] | None = None,
    to_the_end: bool = False,
    stop: threading.Event | None = None,
    poll: float = POLL,
) -> Generator[Page, None, None]:
    """The feed after a cursor, page by page; waits for more at its end, until ``stop`` is set. Keep ``page.cursor``.

    ``to_the_end``: do not wait. ``poll``: seconds between two looks without a hint from the server.
    """
    with Hints(store, poll) as hints:
        while not (stop and stop.is_set()):
            page = store.read_feed(
                after=after, max_count=max_count, event_types=event_types, aggregate_types=aggregate_types
            )
            if page.advanced:
                after = page.cursor
                yield page
            elif to_the_end:
                return
            else:
                hints.wait()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Events of one partition, to be handled and then acknowledged; what is not acknowledged is delivered again."""

    store: EventStore
    claim: Claim
    events: Sequence[StoredEvent]
    cursor: Cursor
    after: Cursor

    def acknowledge(self, session: Operations | None = None) -> None:
        """Say that all of it is handled; with a ``session`` in the transaction of that session.

        Raises `LeaseLostError` where the lease ended before and somebody else handles the events, or where an earlier
        transaction of this consumer, whose answer was lost, has handled them: roll back.
        """
        if session:
            session.acknowledge(self.claim, self.cursor, self.after)
        else:
            self.store.acknowledge(self.claim, self.cursor)


class Subscription:
    """A consumer of a named subscription, which `EventStore.create_subscription` makes.

    ``lease``: how long a partition stays with a consumer that says nothing; longer than it takes to handle ``max_count`` events.
    ``poll``: seconds between two looks without a hint from the server.
    """

    def __init__(
        self,
        store: EventStore,
        name: str,
        *,
        consumer: str | None = None,
        lease: timedelta = LEASE,
        max_count: int = 500,
        poll: float = POLL,
    ) -> None:
        self.store, self.name = store, name
        self.consumer = consumer or consumer_name()
        self._lease, self._max_count, self._poll = lease, max_count, poll

    def deliveries(
        self, *, to_the_end: bool = False, stop: threading.Event | None = None
    ) -> Generator[Delivery, None, None]:
        """Claim partitions that have something to do, one after the other, and deliver what is in them.

        Waits for more until ``stop`` is set; with ``to_the_end`` only until no free partition has anything left.

        Raises `LeaseLostError` where there is no such subscription.
        """
        with Hints(self.store, self._poll) as hints:
            # The first claim without asking: it is refused where there is no such subscription.
            begun = False
            while not (stop and stop.is_set()):
                claim = None
                if not begun or self.store.is_work_waiting(self.name):
                    begun = True
                    claim = self.store.claim_partition(self.name, self.consumer, self._lease)
                if claim:
                    yield from self._drain(claim, stop)
                elif to_the_end:
                    return
                else:
                    hints.wait()

    def project(self, handler: Handler, *, to_the_end: bool = False, stop: threading.Event | None = None) -> None:
        """Call ``handler`` with each event, in one transaction with the checkpoint: each event takes effect exactly once.

        ``handler`` writes by the connection that it gets, and nowhere else. When it raises, its transaction is rolled back,
        the partition is released, and the error is the caller's. A lost connection or lease is not an error: the events are
        delivered again, from the checkpoint, wherever that is.
        """
        attempts = Attempts(self.store.retries)
        # Closed here and not some time later, so that the partition is released when the handler raises.
        with closing(self.deliveries(to_the_end=to_the_end, stop=stop)) as deliveries:
            for delivery in deliveries:
                try:
                    with self.store.transaction() as session:
                        for event in delivery.events:
                            handler(session.connection, event)
                        delivery.acknowledge(session)
                except LeaseLostError as error:
                    log.info("%s", error.message)
                except psycopg.Error as error:
                    pause = attempts.pause_after(error, repeatable=True)
                    log.info("delivering again in %.2f s: %s", pause, error)
                    time.sleep(pause)
                else:
                    attempts = Attempts(self.store.retries)

    def _drain(self, claim: Claim, stop: threading.Event | None) -> Generator[Delivery, None, None]:
        try:
            while not (stop and stop.is_set()):
                page = self.store.read_partition(claim, max_count=self._max_count)
                if not page.advanced:
                    break
                if page.events:
                    yield Delivery(self.store, claim, page.events, page.cursor, page.after)
                else:
                    self.store.acknowledge(claim, page.cursor)
        except LeaseLostError as error:
            log.info("%s", error.message)
        finally:
            self.store.release_partition(claim)
