"""What threads do where asyncio has its own way; `event_store.aio` has the same names, with ``Async``."""

from collections.abc import Callable
from contextlib import closing
from threading import Event
from time import sleep
from typing import Any, TypeVar

from psycopg import Connection

from event_store.events import StoredEvent

__all__ = ["Configure", "Event", "Handler", "Work", "closing", "sleep"]

S = TypeVar("S")
T = TypeVar("T")

#: What is called with each new connection.
Configure = Callable[[Connection[Any]], None]
#: What handles an event, on the connection whose transaction moves the checkpoint.
Handler = Callable[[Connection[Any], StoredEvent], None]
#: What is done in a session's transaction; its second argument: whether one before it may have been committed.
Work = Callable[[S, bool], T]
