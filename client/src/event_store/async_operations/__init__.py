"""What `event_store.operations` is, for asyncio."""

from event_store.async_operations.aggregates import AsyncAggregates
from event_store.async_operations.appending import AsyncAppending
from event_store.async_operations.consuming import AsyncConsuming
from event_store.async_operations.searching import AsyncSearching


class AsyncOperations(AsyncAppending, AsyncAggregates, AsyncSearching, AsyncConsuming):
    """What a store and a session have in common."""
