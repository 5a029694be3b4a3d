"""What asyncio does its own way; `event_store.threads` has the same names, without ``Async``, for the generated half."""

from asyncio import Event, sleep
from collections.abc import Awaitable, Callable
from contextlib import aclosing as closing
from inspect import isawaitable
from os import PathLike
from typing import Any, TypeVar

from psycopg import AsyncConnection

from event_store.conninfos import checked, read_file
from event_store.events import StoredEvent

__all__ = [
    "AsyncConfigure",
    "AsyncConnect",
    "AsyncConninfo",
    "AsyncHandler",
    "AsyncWork",
    "Event",
    "closing",
    "read_conninfo",
    "sleep",
]

C = TypeVar("C", bound=AsyncConnection[Any])
S = TypeVar("S")
T = TypeVar("T")

#: Where the store is and who logs in: what libpq understands, a file that holds it, or a function that returns it, which may be
#: a coroutine. File and function are read for each new connection.
AsyncConninfo = str | PathLike[str] | Callable[[], str | Awaitable[str]]
#: `AsyncConnection.connect`, of some class of connections.
AsyncConnect = Callable[..., Awaitable[C]]
#: What is called with each new connection.
AsyncConfigure = Callable[[AsyncConnection[Any]], Awaitable[None]]
#: What handles an event, on the connection whose transaction moves the checkpoint.
AsyncHandler = Callable[[AsyncConnection[Any], StoredEvent], Awaitable[None]]
#: What is done in a session's transaction; its second argument: whether one before it may have been committed.
AsyncWork = Callable[[S, bool], Awaitable[T]]


async def read_conninfo(conninfo: AsyncConninfo) -> str:
    """What it says now."""
    if isinstance(conninfo, str):
        return conninfo
    if isinstance(conninfo, PathLike):
        return read_file(conninfo)
    said = conninfo()
    return checked(await said if isawaitable(said) else said, "the function for the conninfo")
