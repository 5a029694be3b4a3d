"""Consumers of all kinds, for tests in which a store loses what they have read.

In the end each must have every event of the store once, in the feed's order, and nothing else.
"""

from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import Environment

from event_store import NOT_THERE, EventStore, NewEvent
from event_store.eventsourcing import Factory
from event_store.eventsourcing.applications import EventStoreApplicationRecorder
from event_store.retries import DEFAULT, Retries

from .clusters import Cluster
from .feed import START, Connection, Cursor, wait_until
from .readers import CLAIMED_ANEW, CLAIMED_ONCE, Claimer, Holder, Listener, Reader, TextReader

APPLICATION = "School"
_STORED = """
    SELECT transaction_id::text::bigint, global_position, event_id, aggregate_type, aggregate_id
      FROM event_store.events ORDER BY transaction_id, global_position"""
#: Of the projection that is furthest behind.
_CHECKPOINT = """
    SELECT last_transaction_id::text::bigint, last_global_position
      FROM event_store.projections ORDER BY last_transaction_id, last_global_position LIMIT 1"""


class Consumers:
    """One of each kind, and the applications that write."""

    def __init__(self) -> None:
        self.reader, self.text_reader, self.listener = Reader(), TextReader(), Listener()
        self.holder, self.claimer = Holder(), Claimer()
        #: The checkpoint of the projections, which keep it in the store.
        self.projected = START

    def begin(self, cluster: Cluster) -> None:
        """Make the subscriptions."""
        with EventStore(cluster.conninfo()) as client:
            client.create_subscription(CLAIMED_ONCE)
            client.create_subscription(CLAIMED_ANEW)

    def write(self, cluster: Cluster, count: int, *, retries: Retries = DEFAULT) -> None:
        """Append events of positions, and then some of an application."""
        with EventStore(cluster.conninfo(), retries=retries) as client:
            for number in range(count):
                event = NewEvent("PositionOpened", {"symbol": "AAPL", "quantity": number})
                client.append_events("Position", uuid4(), [event], expected=NOT_THERE)
        with recorder_of(cluster.conninfo()) as recorder:
            for _ in range(count // 4):
                recorder.insert_events([StoredEvent(uuid4(), 1, "Opened", b"{}")])

    def read(self, cluster: Cluster, options: str = "") -> None:
        """All read what there is, and the projections take it in; the holder takes a page, and does not acknowledge it.

        ``options``: of each session.
        """
        self.settle(cluster)
        conninfo = psycopg.conninfo.make_conninfo(cluster.conninfo(), options=options)
        with EventStore(conninfo) as client:
            self.reader.read(client)
            self.holder.take(client)
            self.claimer.take(client)
        self.text_reader.read(conninfo)
        with recorder_of(conninfo) as recorder:
            self.listener.read(recorder)
        with cluster.server.connect(cluster.store.name, options=options) as admin:
            _work(admin)
            self.projected = _checkpoint(admin)

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
            self.claimer.finish(client)
        self.text_reader.read(cluster.conninfo())
        with recorder_of(cluster.conninfo()) as recorder:
            self.listener.read(recorder)
        stored = self._check_projections(cluster)
        assert [one[1] for one in self.reader.seen] == [row[2] for row in stored]
        assert [one[1] for one in self.text_reader.seen] == [row[2] for row in stored]
        assert self.holder.handled == self.claimer.handled == [row[2] for row in stored]
        assert [one[1] for one in self.listener.seen] == [row[4] for row in stored if row[3] == APPLICATION]
        ids = [one[0] for one in self.listener.seen]
        assert ids == sorted(set(ids))
        tokens = [*self.holder.tokens, *(claim.token for claim in self.claimer.claims)]
        assert len(set(tokens)) == len(tokens)

    def _check_projections(self, cluster: Cluster) -> list[Any]:
        """Checkpoint and rows have gone back together, if they have, and go on; the stored events."""
        with cluster.server.connect(cluster.store.name) as admin:
            stored = admin.execute(_STORED).fetchall()
            checkpoint = _checkpoint(admin)
            assert START < checkpoint <= self.projected
            assert (checkpoint < self.projected) == self.were_told
            assert _positions(admin) == {row[4] for row in stored if row[3] == "Position" and row[:2] <= checkpoint}
            _work(admin)
            assert _positions(admin) == {row[4] for row in stored if row[3] == "Position"}
        return stored

    def check_on_a_standby(self, primary: Cluster, standby: Cluster) -> None:
        """Who brings a cursor from the history that is lost is told at a standby of the new one as well, and goes on there."""
        self.settle(primary)
        with primary.server.connect(primary.store.name) as admin:
            admin.execute("SELECT event_store.work_feed()")
            stored = [row[2] for row in admin.execute(_STORED).fetchall()]
        primary.back_up(standby, standby=True)
        # What the primary itself was restored by.
        standby.configure("restore_command = ''\nrecovery_target_name = ''")
        standby.start()
        # They themselves go on at the primary.
        reader = Reader(self.reader.cursor, [*self.reader.seen], [*self.reader.told])
        text_reader = TextReader(self.text_reader.cursor, [*self.text_reader.seen], [*self.text_reader.told])
        with EventStore(standby.conninfo()) as client:
            reader.read(client)
        text_reader.read(standby.conninfo())
        for one in (reader, text_reader):
            assert [event_id for _, event_id in one.seen] == stored
            assert len(one.told) == 1

    @property
    def were_told(self) -> bool:
        """Whether each of them has got an error."""
        told = {bool(one.told) for one in (self.reader, self.text_reader, self.holder, self.claimer, self.listener)}
        assert len(told) == 1, "only some of them have"
        return told.pop()


class recorder_of:  # noqa: N801  a context manager
    """The application's recorder on a cluster."""

    def __init__(self, conninfo: str) -> None:
        self._factory = Factory(Environment(APPLICATION, {"EVENT_STORE_CONNINFO": conninfo}))

    def __enter__(self) -> EventStoreApplicationRecorder:
        recorder = self._factory.application_recorder()
        assert isinstance(recorder, EventStoreApplicationRecorder)
        return recorder

    def __exit__(self, *_: object) -> None:
        self._factory.close()


def _work(admin: Connection) -> None:
    def done() -> bool:
        admin.execute("SELECT event_store.work_projections()")
        row = admin.execute("SELECT bool_and(events_behind = 0) FROM event_store.projection_lag()").fetchone()
        return bool(row and row[0])

    wait_until(done)


def _checkpoint(admin: Connection) -> Cursor:
    row = admin.execute(_CHECKPOINT).fetchone()
    assert row
    return Cursor(*row)


def _positions(admin: Connection) -> set[UUID]:
    return {row[0] for row in admin.execute("SELECT position_id FROM projections.positions").fetchall()}
