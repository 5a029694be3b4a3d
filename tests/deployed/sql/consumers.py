"""Consumers of all kinds, for tests in which a store loses what they have read.

Each keeps what it has done outside of the store, like a read model elsewhere. When it is told that a history is lost, it
undoes what came after the place that it is told, and goes on from there. In the end each must have every event of the store
once, in the feed's order, and nothing else.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import Environment

from event_store import NOT_THERE, START, Claim, Cursor, EventStore, NewEvent, Page, errors, follow
from event_store.eventsourcing import Factory, LostNotificationsError
from event_store.eventsourcing.applications import EventStoreApplicationRecorder
from event_store.retries import DEFAULT, Retries

from .clusters import Cluster
from .feed import PATIENCE, wait_until

SUBSCRIPTION = "claimed"
APPLICATION = "School"


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
            self.claim = client.claim_partition(SUBSCRIPTION, "holder")
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


class Consumers:
    """One of each kind, and the applications that write."""

    def __init__(self) -> None:
        self.reader, self.text_reader, self.holder, self.listener = Reader(), TextReader(), Holder(), Listener()

    def begin(self, cluster: Cluster) -> None:
        """Make the subscription."""
        with EventStore(cluster.conninfo()) as client:
            client.create_subscription(SUBSCRIPTION)

    def write(self, cluster: Cluster, count: int, *, retries: Retries = DEFAULT) -> None:
        """Append events of positions, and some of an application."""
        with EventStore(cluster.conninfo(), retries=retries) as client:
            for number in range(count):
                event = NewEvent("PositionOpened", {"symbol": "AAPL", "quantity": number})
                client.append_events("Position", uuid4(), [event], expected=NOT_THERE)
        with recorder_of(cluster) as recorder:
            for _ in range(count // 4):
                recorder.insert_events([StoredEvent(uuid4(), 1, "Opened", b"{}")])

    def read(self, cluster: Cluster) -> None:
        """All read what there is; the holder takes a page, and does not acknowledge it."""
        self.settle(cluster)
        with EventStore(cluster.conninfo()) as client:
            self.reader.read(client)
            self.holder.take(client)
        self.text_reader.read(cluster.conninfo())
        with recorder_of(cluster) as recorder:
            self.listener.read(recorder)

    def settle(self, cluster: Cluster) -> None:
        """Wait until all that is committed can be read."""
        with EventStore(cluster.conninfo()) as client:
            wait_until(lambda: client.feed_lag().events_waiting == 0)

    def check(self, cluster: Cluster) -> None:
        """Each has every event of the store once, and nothing else."""
        self.settle(cluster)
        with EventStore(cluster.conninfo()) as client:
            self.reader.read(client)
            if self.holder.page:
                self.holder.give(client)
            self.holder.finish(client)
        self.text_reader.read(cluster.conninfo())
        with recorder_of(cluster) as recorder:
            self.listener.read(recorder)
        with cluster.server.connect(cluster.store.name) as admin:
            stored = admin.execute(
                "SELECT event_id, aggregate_type, aggregate_id FROM event_store.events ORDER BY transaction_id, global_position"
            ).fetchall()
            _work(admin)
            positions = {row[0] for row in admin.execute("SELECT position_id FROM projections.positions").fetchall()}
        assert [one[1] for one in self.reader.seen] == [row[0] for row in stored]
        assert [one[1] for one in self.text_reader.seen] == [row[0] for row in stored]
        assert self.holder.handled == [row[0] for row in stored]
        assert [one[1] for one in self.listener.seen] == [row[2] for row in stored if row[1] == APPLICATION]
        ids = [one[0] for one in self.listener.seen]
        assert ids == sorted(set(ids))
        assert positions == {row[2] for row in stored if row[1] == "Position"}
        assert len(set(self.holder.tokens)) == len(self.holder.tokens)

    @property
    def were_told(self) -> bool:
        """Whether each of them has got an error."""
        told = [bool(one.told) for one in (self.reader, self.text_reader, self.holder, self.listener)]
        assert told in ([True] * 4, [False] * 4), "only some of them have"
        return told[0]


class recorder_of:  # noqa: N801  a context manager
    """The application's recorder on a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._factory = Factory(Environment(APPLICATION, {"EVENT_STORE_CONNINFO": cluster.conninfo()}))

    def __enter__(self) -> EventStoreApplicationRecorder:
        recorder = self._factory.application_recorder()
        assert isinstance(recorder, EventStoreApplicationRecorder)
        return recorder

    def __exit__(self, *_: object) -> None:
        self._factory.close()


def _work(admin: Any) -> None:
    def done() -> bool:
        admin.execute("SELECT event_store.work_projections()")
        return bool(admin.execute("SELECT bool_and(events_behind = 0) FROM event_store.projection_lag()").fetchone()[0])

    wait_until(done)


__all__ = ["PATIENCE", "Consumers", "Holder", "Listener", "Reader", "TextReader", "recorder_of"]
