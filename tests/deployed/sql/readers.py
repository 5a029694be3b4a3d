"""Who reads a store's events, each in its own way, for tests in which the store loses what has been read.

Each keeps what it has done outside of the store, like a read model elsewhere. When it is told that a history is lost, it
undoes what came after the place that it is told, and goes on from there.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from event_store import START, Claim, Cursor, EventStore, Page, errors, follow
from event_store.eventsourcing import LostNotificationsError
from event_store.eventsourcing.applications import EventStoreApplicationRecorder

from .feed import wait_until

#: The subscriptions of `Holder` and of `Claimer`.
CLAIMED_ONCE, CLAIMED_ANEW = "claimed once", "claimed anew"


@dataclass
class Reader:
    """Follows the feed with a cursor of its own."""

    cursor: Cursor = START
    seen: list[tuple[Cursor, UUID]] = field(default_factory=list)
    told: list[errors.LostHistoryError] = field(default_factory=list)

    def read(self, client: EventStore) -> None:
        """Read to the end."""
        try:
            for page in follow(client, after=self.cursor, max_count=7, to_the_end=True):
                self.seen += [(event.cursor, event.event_id) for event in page.events]
                self.cursor = page.cursor
        except errors.LostHistoryError as lost:
            self.told.append(lost)
            self.cursor = lost.back_to
            self.seen = [one for one in self.seen if one[0] <= lost.back_to]
            self.read(client)


@dataclass
class TextReader:
    """The same with a cursor as text, as a program in another language has it: it knows nothing of numbers."""

    cursor: str | None = None
    seen: list[tuple[str, UUID]] = field(default_factory=list)
    told: list[psycopg.Error] = field(default_factory=list)

    def read(self, conninfo: str) -> None:
        """Read to the end."""
        with psycopg.connect(conninfo, autocommit=True) as connection:
            while True:
                try:
                    page = connection.execute(
                        "SELECT event_store.cursor_of(e), event_id FROM event_store.read_feed_after(%s, 7) e",
                        [self.cursor],
                    ).fetchall()
                except psycopg.Error as lost:
                    if lost.sqlstate != "SE018":
                        raise
                    self.told.append(lost)
                    self._go_back(lost.diag.message_hint or "")
                    continue
                if not page:
                    return
                self.seen += page
                self.cursor = self.seen[-1][0]

    def _go_back(self, hint: str) -> None:
        """To what it has of the place that the hint names; what it had done before is what it has kept beside its cursor."""
        if not (match := re.search(r"as text a(\d+\.\d+\.\w+)\.", hint)):
            assert "begin at the beginning" in hint
            self.cursor, self.seen = None, []
            return
        kept = [index for index, (cursor, _) in enumerate(self.seen, 1) if cursor.startswith(f"a{match[1]}.")]
        self.seen = self.seen[: kept[0]] if kept else []
        self.cursor = self.seen[-1][0] if self.seen else None


@dataclass
class Holder:
    """Holds a partition and a page of it, whose events it has handled, when the history is lost."""

    claim: Claim | None = None
    page: Page | None = None
    handled: list[UUID] = field(default_factory=list)
    told: list[errors.EventStoreError] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    def take(self, client: EventStore) -> None:
        """Claim what is free, and read a page."""
        if self.claim is None:
            self.claim = client.claim_partition(CLAIMED_ONCE, "holder")
            assert self.claim
            self.tokens.append(self.claim.token)
        self.page = client.read_partition(self.claim)

    def give(self, client: EventStore) -> None:
        """Acknowledge the page, with its effects; without them if that is refused, because the claim is given up."""
        assert self.claim
        assert self.page
        try:
            with client.transaction() as session:
                session.acknowledge(self.claim, self.page.cursor, self.page.after)
            self.handled += [event.event_id for event in self.page.events]
        except (errors.LostHistoryError, errors.LeaseLostError) as lost:
            self.told.append(lost)
            client.release_partition(self.claim)
            self.claim = None
        self.page = None

    def finish(self, client: EventStore) -> None:
        """Handle all that there is."""
        while True:
            self.take(client)
            assert self.page
            if not self.page.advanced:
                return
            self.give(client)


@dataclass
class Claimer:
    """Claims a partition anew whenever it looks: its last claim is made in the history that is lost."""

    claims: list[Claim] = field(default_factory=list)
    handled: list[UUID] = field(default_factory=list)
    told: list[errors.LeaseLostError] = field(default_factory=list)

    def take(self, client: EventStore) -> None:
        """Claim it; the lease is so short that no earlier claim stays in the way."""

        def is_claimed() -> bool:
            claim = client.claim_partition(CLAIMED_ANEW, "claimer", timedelta(milliseconds=1))
            self.claims += [claim] if claim else []
            return claim is not None

        wait_until(is_claimed)

    def finish(self, client: EventStore) -> None:
        """Handle all that there is with the last claim; with another one if that is nobody's."""
        try:
            # As a consumer does that prolongs its lease before it has handled anything.
            client.acknowledge(self.claims[-1], self.claims[-1].checkpoint)
        except errors.LeaseLostError as lost:
            self.told.append(lost)
            with pytest.raises(errors.LeaseLostError):
                client.read_partition(self.claims[-1])
            self.take(client)
        while (page := client.read_partition(self.claims[-1])).advanced:
            client.acknowledge(self.claims[-1], page.cursor, page.after)
            self.handled += [event.event_id for event in page.events]


@dataclass
class Listener:
    """Reads the notification log of an application of the library eventsourcing."""

    seen: list[tuple[int, UUID | str]] = field(default_factory=list)
    told: list[LostNotificationsError] = field(default_factory=list)

    def read(self, recorder: EventStoreApplicationRecorder) -> None:
        """Read to the end."""
        while True:
            last = self.seen[-1][0] if self.seen else None
            try:
                page = recorder.select_notifications(last, 5, inclusive_of_start=False)
            except LostNotificationsError as lost:
                self.told.append(lost)
                self.seen = [one for one in self.seen if one[0] <= lost.back_to]
                continue
            if not page:
                return
            self.seen += [(one.id, one.originator_id) for one in page]
