"""What threads do where asyncio has its own way; `event_store.aio` has the same names, with ``Async``."""

from collections.abc import Callable
from contextlib import closing
from os import PathLike
from threading import Event
from time import sleep
from typing import Any, TypeVar

from psycopg import Connection

from event_store.conninfos import checked, read_file
from event_store.events import StoredEvent

__all__ = ["Configure", "Connect", "Conninfo", "Event", "Handler", "Work", "closing", "read_conninfo", "sleep"]

C = TypeVar("C", bound=Connection[Any])
S = TypeVar("S")
T = TypeVar("T")

#: Where the store is and who logs in: what libpq understands, a file that holds it, or a function that returns it. File and
#: function are read for each new connection.
Conninfo = str | PathLike[str] | Callable[[], str]
#: `Connection.connect`, of some class of connections.
Connect = Callable[..., C]
#: What is called with each new connection.
Configure = Callable[[Connection[Any]], None]
#: What handles an event, on the connection whose transaction moves the checkpoint.
Handler = Callable[[Connection[Any], StoredEvent], None]
#: What is done in a session's transaction; its second argument: whether one before it may have been committed.
Work = Callable[[S, bool], T]


def read_conninfo(conninfo: Conninfo) -> str:
    """What it says now."""
    if isinstance(conninfo, str):
        return conninfo
    if isinstance(conninfo, PathLike):
        return read_file(conninfo)
    return checked(conninfo(), "the function for the conninfo")
