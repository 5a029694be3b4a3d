"""A stream of events cut into appends: one call of ``event_store.append_events`` takes one aggregate's events."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from examples.portfolio import Event


@dataclass(frozen=True)
class Batch:
    """Consecutive events of one aggregate, for one append."""

    aggregate_id: UUID
    expected_version: int
    events: tuple[Event, ...]


def batches(events: Iterable[Event], size: int) -> Iterator[Batch]:
    """The same events for appending: of each ``size`` of them, those of one aggregate together.

    Order within an aggregate and the versions are kept; the whole stream is never in memory.
    """
    if size < 1:
        raise ValueError(f"batches of {size} events; at least 1")
    versions: dict[UUID, int] = {}
    stream = iter(events)
    while chunk := list(itertools.islice(stream, size)):
        grouped: dict[UUID, list[Event]] = {}
        for event in chunk:
            grouped.setdefault(event.aggregate_id, []).append(event)
        for aggregate_id, own in grouped.items():
            version = versions.get(aggregate_id, 0)
            versions[aggregate_id] = version + len(own)
            yield Batch(aggregate_id, version, tuple(own))
