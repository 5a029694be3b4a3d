"""Exported events: the text that `event_store.export_events()` gives, and the hashes over it (RFC 6962)."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

#: How the line of a seal begins; all others are events.
SEAL_LINE: Final = b'{"seal" : '


def merkle_root(events: Iterable[bytes]) -> bytes:
    """The tree hash over events' lines (without line ends), level by level; an odd last node goes up as it is."""
    nodes = [sha256(b"\0" + event).digest() for event in events]
    if not nodes:
        return sha256().digest()
    while len(nodes) > 1:
        pairs = zip(nodes[::2], nodes[1::2], strict=False)
        above = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        nodes = above + nodes[len(nodes) - len(nodes) % 2 :]
    return nodes[0]


def events_of(lines: Iterable[bytes]) -> Iterable[bytes]:
    """The lines of events among the lines of an archive."""
    return (line for line in lines if not line.startswith(SEAL_LINE))
