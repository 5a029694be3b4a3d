"""The event store for applications in Python.

`EventStore` and `AsyncEventStore` append, read and decide; `Subscription` and `follow` consume the feed; errors are in
`event_store.errors`. `event_store.eventsourcing` puts the library of that name on this store.
"""

from event_store.async_client import AsyncEventStore
from event_store.async_session import AsyncSession
from event_store.async_subscriptions import AsyncSubscription, follow_async
from event_store.client import EventStore
from event_store.events import (
    ANY,
    NOT_THERE,
    START,
    THERE,
    Append,
    Appended,
    Command,
    Cursor,
    Loaded,
    NewEvent,
    Origin,
    Page,
    Snapshot,
    StoredEvent,
)
from event_store.leases import Claim, Lag
from event_store.reports import (
    ExportProblem,
    FeedBlocker,
    FeedLag,
    Fork,
    FoundUser,
    InclusionProof,
    ProjectionLag,
    SealProblem,
)
from event_store.retries import NO_RETRIES, Retries
from event_store.selections import QueryItem, Selection
from event_store.session import Session
from event_store.subscriptions import Subscription, follow

__all__ = [
    "ANY",
    "NOT_THERE",
    "NO_RETRIES",
    "START",
    "THERE",
    "Append",
    "Appended",
    "AsyncEventStore",
    "AsyncSession",
    "AsyncSubscription",
    "Claim",
    "Command",
    "Cursor",
    "EventStore",
    "ExportProblem",
    "FeedBlocker",
    "FeedLag",
    "Fork",
    "FoundUser",
    "InclusionProof",
    "Lag",
    "Loaded",
    "NewEvent",
    "Origin",
    "Page",
    "ProjectionLag",
    "QueryItem",
    "Retries",
    "SealProblem",
    "Selection",
    "Session",
    "Snapshot",
    "StoredEvent",
    "Subscription",
    "follow",
    "follow_async",
]
