"""What asyncio does its own way; `event_store.threads` has the same names, without ``Async``, for the generated half."""

from asyncio import Event, sleep
from collections.abc import Awaitable, Callable
from contextlib import aclosing as closing
from typing import Any, TypeVar

from psycopg import AsyncConnection

from event_store.events import StoredEvent

__all__ = ["AsyncConfigure", "AsyncHandler", "AsyncWork", "Event", "closing", "sleep"]

S = TypeVar("S")
T = TypeVar("T")

#: What is called with each new connection.
AsyncConfigure = Callable[[AsyncConnection[Any]], Awaitable[None]]
#: What handles an event, on the connection whose transaction moves the checkpoint.
AsyncHandler = Callable[[AsyncConnection[Any], StoredEvent], Awaitable[None]]
#: What is done in a session's transaction; its second argument: whether one before it may have been committed.
AsyncWork = Callable[[S, bool], Awaitable[T]]
