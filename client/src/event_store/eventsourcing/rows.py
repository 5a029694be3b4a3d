"""The library's stored events as events and snapshots of the store, and back.

The topic is the event's type. What the store has no column for is under "eventsourcing" in the metadata: the originator's
version, which may begin at 0 or 1 (a version of the store begins at 1), the form of the state, and an originator's id
that is no UUID.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from eventsourcing.persistence import DataError, IntegrityError, Notification, StoredEvent

from event_store.events import NewEvent
from event_store.eventsourcing import ids
from event_store.eventsourcing.states import to_data, to_state

#: What `stored_event` takes, of an event and of a snapshot.
EVENT: Final = (
    "e.event_id AS row_id, e.aggregate_id, e.event_type AS topic, e.event_data AS data, "
    "e.metadata -> 'eventsourcing' AS metadata"
)
SNAPSHOT: Final = (
    "s.snapshot_id AS row_id, s.aggregate_id, s.snapshot_data ->> 'topic' AS topic, s.snapshot_data -> 'data' AS data, "
    "s.snapshot_data -> 'eventsourcing' AS metadata"
)


@dataclass(frozen=True)
class Stream:
    """Events of one originator, each with its place among all events of the insert."""

    aggregate_id: UUID
    events: list[tuple[int, StoredEvent]] = field(default_factory=list)

    @property
    def first_version(self) -> int:
        """The originator's version of the first event."""
        return self.events[0][1].originator_version

    def expected(self, offset: int | None) -> int:
        """The version that the aggregate has to have. ``offset``: event_version minus originator_version; None = not there."""
        if offset is None:
            return 0
        expected = self.first_version + offset - 1
        # Below 0 it would be no version, but another expectation.
        if expected < 0:
            raise IntegrityError(f"version {self.first_version} of {self.aggregate_id} is before its first event")
        return expected


def streams(stored_events: Sequence[StoredEvent]) -> list[Stream]:
    """The events by originator. The versions of each have to be consecutive, as they are in the store."""
    found: dict[UUID, Stream] = {}
    for place, event in enumerate(stored_events):
        aggregate_id = ids.aggregate_id(event.originator_id)
        stream = found.setdefault(aggregate_id, Stream(aggregate_id))
        if stream.events and event.originator_version != stream.events[-1][1].originator_version + 1:
            raise IntegrityError(
                f"version {event.originator_version} of {event.originator_id} after version "
                f"{stream.events[-1][1].originator_version}: versions have to be consecutive"
            )
        stream.events.append((place, event))
    return list(found.values())


def new_event(event: StoredEvent, event_id: UUID | None = None, insert: str | None = None) -> NewEvent:
    """The event to append. ``insert``: what tells the insert that it is the first event of."""
    data, metadata = _parts(event)
    if insert:
        metadata["insert"] = insert
    return NewEvent(event.topic, data, {"eventsourcing": metadata}, event_id=event_id)


def snapshot_data(event: StoredEvent) -> dict[str, Any]:
    """The snapshot to save."""
    data, metadata = _parts(event)
    return {"topic": event.topic, "data": data, "eventsourcing": metadata}


def stored_event(**columns: Any) -> StoredEvent:
    """The library's event, from the columns `EVENT` or `SNAPSHOT`."""
    return StoredEvent(**_fields(**columns))


def notification(**columns: Any) -> Notification:
    """The library's notification, from the columns `EVENT`."""
    return Notification(**_fields(**columns), id=ids.notification_id(columns["row_id"]))


def _fields(
    *, row_id: UUID, aggregate_id: UUID, topic: str, data: dict[str, Any], metadata: dict[str, Any] | None
) -> dict[str, Any]:
    if metadata is None:
        raise DataError(f"event {row_id} of {aggregate_id} was not appended by the eventsourcing library")
    return {
        "originator_id": metadata.get("originator_id", aggregate_id),
        "originator_version": metadata["originator_version"],
        "topic": topic,
        "state": to_state(data, metadata["state"]),
    }


def _parts(event: StoredEvent) -> tuple[dict[str, Any], dict[str, Any]]:
    data, form = to_data(event.state)
    metadata: dict[str, Any] = {"originator_version": event.originator_version, "state": form}
    if not isinstance(event.originator_id, UUID):
        metadata["originator_id"] = event.originator_id
    return data, metadata
