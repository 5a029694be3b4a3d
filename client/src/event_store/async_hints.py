"""Waiting for something new in the feed: until the server says so, at most for the time between two looks.

The server's NOTIFY is a hint and no more. It comes from a worker of the deployed store; if there is none, a pooler stands between,
or the connection that listens is lost, waiting is simply sleeping.
"""

import logging
import time
from typing import Any, Self

import psycopg

from event_store.aio import sleep
from event_store.async_client import AsyncEventStore
from event_store.errors import PoolerError

log = logging.getLogger("event_store")


class AsyncHints:
    """For one that waits, a thread or a task. ``poll``: seconds between two looks without a hint. A context manager."""

    def __init__(self, store: AsyncEventStore, poll: float) -> None:
        self._store, self._poll = store, poll
        self._listener: psycopg.AsyncConnection[Any] | None = None
        self._deaf = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener:
            await self._listener.close()

    async def wait(self) -> None:
        """Return when there may be something new."""
        if self._deaf:
            await sleep(self._poll)
            return
        began = time.monotonic()
        try:
            if self._listener is None or self._listener.closed:
                self._listener = await self._store.listener()
                return  # what was announced before was not heard
            async for _ in self._listener.notifies(timeout=self._poll, stop_after=1):
                return
        except PoolerError as error:
            self._deaf = True
            log.warning("looking every %s s for what is new: %s", self._poll, error)
        except (psycopg.OperationalError, OSError, ValueError) as error:
            # Also a file with the conninfo that is being written at the moment.
            log.info("looking again in %s s: %s", self._poll, error)
            if self._listener:
                await self._listener.close()
            await sleep(max(0.0, self._poll - (time.monotonic() - began)))
