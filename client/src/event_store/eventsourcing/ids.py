"""The library's ids as ids of the store.

A notification id is a number that counts the events of one application from 1. It is kept in the event's id, a UUID of
version 8 (RFC 9562: the layout is the application's own): 60 bits that stand for the application's name, then the number. So
the primary key of the events is the index of every application's notification log, and no two events of one
application can have the same number.

An originator id that is a text becomes a UUID of version 5 made from it; the text itself is kept in the event's metadata.
"""

from typing import Final
from uuid import UUID, uuid5

#: The largest notification id; the variant of a UUID takes the other two bits.
LAST: Final = (1 << 62) - 1
_NAMESPACE: Final = UUID("8a5f4a1c-6c0e-5d8e-9d0b-3f1f6c1f0e11")
_VERSION, _VARIANT = 8 << 12, 2 << 62


def event_id(application: str, notification_id: int) -> UUID:
    """The id of the application's event with this number."""
    if not 0 <= notification_id <= LAST:
        raise ValueError(f"notification ids are 0 to {LAST}: {notification_id}")
    name = (uuid5(_NAMESPACE, f"application {application}").int >> 64) & ~0xF000
    return UUID(int=(name | _VERSION) << 64 | _VARIANT | notification_id)


def between(application: str, first: int, last: int) -> dict[str, UUID]:
    """The ids of the application's events with these numbers, as parameters."""
    return {"first": event_id(application, first), "last": event_id(application, last)}


def notification_id(event_id: UUID) -> int:
    """The number in an event's id."""
    return event_id.int & LAST


def aggregate_id(originator_id: UUID | str) -> UUID:
    """The aggregate that an originator is."""
    if isinstance(originator_id, UUID):
        return originator_id
    return uuid5(_NAMESPACE, f"originator {originator_id}")
