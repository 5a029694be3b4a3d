"""The stores that are measured side by side, all with the same interface."""

from ..server import BenchServer
from .bare_table import BareTable
from .base import Store
from .emmett import Emmett
from .event_store import EventStore
from .eventsourcing import Eventsourcing
from .message_db import MessageDb

__all__ = ["FLOOR", "OURS", "PEERS", "SAFE_PEERS", "Store", "all_stores"]

#: What this store is called in the figures, and what it is measured against.
OURS = EventStore.name
FLOOR = BareTable.name
PEERS = (MessageDb.name, Eventsourcing.name, Emmett.name)
#: Those whose readers lose nothing while others append; test_feed.py counts.
SAFE_PEERS = (MessageDb.name, Eventsourcing.name)


def all_stores(server: BenchServer) -> list[Store]:
    """Every store, not created yet. The last bare table has no index: what the disk and the protocol cost by themselves."""
    without_indexes = BareTable(server, indexes=False)
    return [
        EventStore(server),
        BareTable(server),
        without_indexes,
        MessageDb(server),
        Eventsourcing(server),
        Emmett(server),
    ]
