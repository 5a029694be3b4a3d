"""What makes recorders for the library's applications and projections, from the environment."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar, cast

from eventsourcing.dcb.persistence import DCBInfrastructureFactory
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    ProcessRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic, strtobool

from event_store.client import EventStore
from event_store.eventsourcing.applications import EventStoreApplicationRecorder
from event_store.eventsourcing.datastore import Datastore
from event_store.eventsourcing.decisions import EventStoreDCBRecorder
from event_store.eventsourcing.recorders import EventStoreAggregateRecorder
from event_store.eventsourcing.snapshots import EventStoreSnapshotRecorder
from event_store.eventsourcing.states import SortedJSONTranscoder
from event_store.eventsourcing.tracking import EventStoreProcessRecorder, EventStoreTrackingRecorder

T = TypeVar("T", bound=EventStoreTrackingRecorder)
C = TypeVar("C")

#: The name of an application that has none, as a recorder that is made by hand.
_NAMELESS: Final = "eventsourcing"


class EventStoreFactory(
    InfrastructureFactory[EventStoreTrackingRecorder], DCBInfrastructureFactory[EventStoreTrackingRecorder]
):
    """Reads, with the application's name in front or without:

    EVENT_STORE_CONNINFO: the store, as libpq understands it; or
    EVENT_STORE_CONNINFO_FILE: a file that holds it, read for each new connection. One of the two is required.
    EVENT_STORE_LISTEN, EVENT_STORE_LISTEN_FILE: the same past a pooler, for subscriptions; without it they look again and again.
    EVENT_STORE_POOL_SIZE: connections at most, 10 unless said otherwise.
    CREATE_TABLE: "n" if the tables of tracking and of views are made by somebody else.
    """

    CONNINFO = "EVENT_STORE_CONNINFO"
    CONNINFO_FILE = "EVENT_STORE_CONNINFO_FILE"
    LISTEN = "EVENT_STORE_LISTEN"
    LISTEN_FILE = "EVENT_STORE_LISTEN_FILE"
    POOL_SIZE = "EVENT_STORE_POOL_SIZE"
    CREATE_TABLE = "CREATE_TABLE"

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        conninfo = self._said(self.CONNINFO, self.CONNINFO_FILE)
        if not conninfo:
            raise OSError(
                f"neither {self.CONNINFO} nor {self.CONNINFO_FILE} is in the environment: it says where the event store is"
            )
        size = self.env.get(self.POOL_SIZE) or "10"
        if not size.isdecimal() or int(size) < 1:
            raise OSError(f"{self.POOL_SIZE} is a whole number from 1: {size!r}")
        self.datastore = Datastore(
            EventStore(conninfo, listen=self._said(self.LISTEN, self.LISTEN_FILE), max_size=int(size))
        )

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.datastore.close()

    def transcoder(self) -> Transcoder:
        """The transcoder of TRANSCODER_TOPIC, or one whose JSON is stored as JSON."""
        return super().transcoder() if self.env.get(self.TRANSCODER_TOPIC) else SortedJSONTranscoder()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """A recorder of events, or for the purpose "snapshots" one of snapshots."""
        if purpose == "snapshots":
            return EventStoreSnapshotRecorder(self.datastore, self._application)
        return EventStoreAggregateRecorder(self.datastore, self._application)

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder with a notification log."""
        cls = self._chosen(self.APPLICATION_RECORDER_TOPIC, EventStoreApplicationRecorder)
        return cls(self.datastore, self._application)

    def dcb_recorder(self) -> EventStoreDCBRecorder:
        """A recorder of decisions that span aggregates."""
        return EventStoreDCBRecorder(self.datastore, self._application)

    def tracking_recorder(self, tracking_recorder_class: type[T] | None = None) -> T:
        """A recorder of tracking, or a view that is one."""
        default = cast("type[T]", EventStoreTrackingRecorder)
        cls = tracking_recorder_class or self._chosen(self.TRACKING_RECORDER_TOPIC, default)
        return self._created(cls(self.datastore, self._application))

    def process_recorder(self) -> ProcessRecorder:
        """A recorder of events and tracking."""
        cls = self._chosen(self.PROCESS_RECORDER_TOPIC, EventStoreProcessRecorder)
        return self._created(cls(self.datastore, self._application, self._application))

    @property
    def _application(self) -> str:
        return self.env.name or _NAMELESS

    def _said(self, as_text: str, in_file: str) -> str | Path | None:
        text, file = self.env.get(as_text), self.env.get(in_file)
        if text and file:
            raise OSError(f"{as_text} and {in_file} are both in the environment: leave one out")
        return Path(file) if file else text or None

    def _chosen(self, key: str, default: type[C]) -> type[C]:
        topic = self.env.get(key)
        if not topic:
            return default
        cls = resolve_topic(topic)
        if not (isinstance(cls, type) and issubclass(cls, default)):
            raise OSError(f"{key} names a subclass of {default.__name__}: {topic!r}")
        return cls

    def _created(self, recorder: T) -> T:
        if strtobool(self.env.get(self.CREATE_TABLE) or "yes"):
            recorder.create_table()
        return recorder


Factory = EventStoreFactory
