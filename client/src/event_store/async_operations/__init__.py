"""Everything that one call to the store can do. A store runs it on a connection of its pool, with retries; a session runs it on
one connection, inside the caller's transaction.

Each method is named after the SQL function that it calls. All raise the errors of `event_store.errors`, and psycopg's for
everything that is not the store's. ``max_count`` None means all.
"""

from event_store.async_operations.aggregates import AsyncAggregates
from event_store.async_operations.appending import AsyncAppending
from event_store.async_operations.consuming import AsyncConsuming
from event_store.async_operations.deciding import AsyncDeciding
from event_store.async_operations.event_types import AsyncEventTypes
from event_store.async_operations.feed import AsyncFeed
from event_store.async_operations.privacy import AsyncPrivacy
from event_store.async_operations.projections import AsyncProjections
from event_store.async_operations.seals import AsyncSeals
from event_store.async_operations.searching import AsyncSearching
from event_store.async_operations.users import AsyncUsers


class AsyncOperations(
    AsyncAppending,
    AsyncDeciding,
    AsyncEventTypes,
    AsyncAggregates,
    AsyncSearching,
    AsyncFeed,
    AsyncConsuming,
    AsyncProjections,
    AsyncUsers,
    AsyncSeals,
    AsyncPrivacy,
):
    """What a store and a session have in common."""
