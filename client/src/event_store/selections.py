"""What a decision across aggregates looks for, and what it has found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from event_store.events import StoredEvent


@dataclass(frozen=True, slots=True)
class QueryItem:
    """Events that have one of the types, and all of the tags; no types = of any type, no tags = with any tags.

    Name first the tag that the fewest decisions have in common: events are looked up by it, and decisions with it wait for each
    other.
    """

    types: Sequence[str] = ()
    tags: Sequence[str] = ()

    def document(self) -> dict[str, Any]:
        """The item as the store's functions take it."""
        return {"types": list(self.types), "tags": list(self.tags)}


@dataclass(frozen=True, slots=True)
class Selection:
    """The events that match a query, in the feed's order. ``marker``: what was visible to the reader, for `append_if`."""

    events: Sequence[StoredEvent]
    marker: str
