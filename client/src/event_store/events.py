"""What goes into the store and what comes out of it, as plain immutable values.

Names are those of the store's columns. Versions count the events of one aggregate from 1; positions count the events of
the whole store; times are the server's, with a time zone.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID, uuid4

#: What ``expected`` of an append may be, besides a version that the caller has seen (1 or more).
ANY: Final = None
NOT_THERE: Final = 0
THERE: Final = -1

ActorType = Literal["user", "service", "system"]
Source = Literal["ui", "api", "import", "webhook", "system"]


class Cursor(NamedTuple):
    """A place in the feed, which is ordered by both numbers. Everything after it is still to be read."""

    transaction_id: int
    global_position: int


#: The place before the first event.
START: Final = Cursor(0, 0)


def new_event_id() -> UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random ones.

    Ordered by time, like those that the server makes, so that the primary key grows at its right edge.
    """
    random = secrets.randbits(74)
    return UUID(
        int=(time.time_ns() // 1_000_000) << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & ((1 << 62) - 1)
    )


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append. ``data`` and ``metadata`` are written as JSON objects, Decimal in them digit by digit.

    ``event_id``: made by the client or the server if there is none. ``causation_id`` and ``correlation_id``: those of the append's
    `Origin` if there are none. ``tags``: what decisions look for, see `read_events`.
    """

    event_type: str
    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = 1
    event_id: UUID | None = None
    causation_id: UUID | None = None
    correlation_id: UUID | None = None
    tags: Sequence[str] = ()

    def document(self) -> dict[str, Any]:
        """The event as an item of the JSON array that the store's functions take."""
        document: dict[str, Any] = {
            "event_type": self.event_type,
            "event_data": self.data,
            "metadata": self.metadata,
            "schema_version": self.schema_version,
        }
        if self.tags:
            document["tags"] = list(self.tags)
        ids = {"event_id": self.event_id, "causation_id": self.causation_id, "correlation_id": self.correlation_id}
        return document | {name: str(value) for name, value in ids.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who or what appends, why, and by which way; holds for all events of one append."""

    actor: str = "system"
    actor_type: ActorType = "system"
    source: Source = "system"
    causation_id: UUID | None = None
    correlation_id: UUID | None = None


#: Where nothing else is said.
SYSTEM: Final = Origin()


@dataclass(frozen=True, slots=True)
class Command:
    """What an append is the answer to. The same ``command_id`` again returns the first result and appends nothing.

    ``data``: what makes the command this one. Where it is given, it is what a repeated command is compared by, so that
    a repetition may decide on other events than the first time; otherwise the events themselves are compared.
    """

    command_type: str
    command_id: UUID = field(default_factory=uuid4)
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Events for one aggregate, as a part of an append to several.

    ``expected``: the version that the caller has seen, or `NOT_THERE`, `THERE` or `ANY`.
    """

    aggregate_type: str
    aggregate_id: UUID
    events: Sequence[NewEvent]
    expected: int | None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the last event of an append is: its place in the aggregate and in the store."""

    event_version: int
    global_position: int


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is stored. ``data`` and ``metadata`` are what JSON makes of them.

    Numbers are int or float; Decimal if neither can hold them, or if the store was asked for ``decimals``. ``tags``: None = none.
    """

    event_id: UUID
    global_position: int
    transaction_id: int
    aggregate_type: str
    aggregate_id: UUID
    event_version: int
    event_type: str
    schema_version: int
    data: dict[str, Any]
    metadata: dict[str, Any]
    actor: str
    actor_type: str
    source: str
    causation_id: UUID | None
    correlation_id: UUID | None
    created_at: datetime
    created_by: str
    tags: Sequence[str] | None = None

    @property
    def cursor(self) -> Cursor:
        """The event's place in the feed."""
        return Cursor(self.transaction_id, self.global_position)


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the feed.

    ``cursor``: where the next one begins, also when no event in it fitted the filter. ``advanced``: False = the feed has no
    more, the cursor is the one that was asked with. ``after``: where this one began.
    """

    events: Sequence[StoredEvent]
    cursor: Cursor
    advanced: bool
    after: Cursor


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of an aggregate after its event ``aggregate_version``.

    ``snapshot_version`` is the version of the state's own layout, like an event's ``schema_version``.
    """

    aggregate_type: str
    aggregate_id: UUID
    aggregate_version: int
    snapshot_version: int
    data: Any
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an aggregate's state is made from: its latest snapshot, if any, and the events after it."""

    snapshot: Snapshot | None
    events: Sequence[StoredEvent]

    @property
    def version(self) -> int:
        """The version to expect in the append that follows; 0 = the aggregate is not there yet."""
        if self.events:
            return self.events[-1].event_version
        return self.snapshot.aggregate_version if self.snapshot else 0
