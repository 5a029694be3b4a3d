"""The store as an application uses it: a pool of connections, retries, and transactions of the caller's own."""

import dataclasses
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import psycopg

from event_store import errors
from event_store.aio import AsyncConfigure, AsyncConninfo, AsyncWork, sleep
from event_store.async_connections import LISTEN, AsyncConnections
from event_store.async_decisions import AsyncDecisions
from event_store.async_pools import came_by
from event_store.async_session import AsyncSession
from event_store.events import NewEvent, new_event_id
from event_store.retries import DEFAULT, Attempts, Retries, connection_is_lost
from event_store.statements import Statement

__all__ = ["LISTEN", "AsyncEventStore", "AsyncSession"]

T = TypeVar("T")
log = logging.getLogger("event_store")


class AsyncEventStore(AsyncDecisions):
    """An event store behind a pool of connections, one for the whole application.

    An `EventStore` is safe to share between threads, an `AsyncEventStore` between the tasks of one event loop.

    ``conninfo``: what libpq understands. For failover name several hosts and ask for the one that can be written to:
    ``postgresql://stock_analysis_user@one,two/stock_analysis_event_store?target_session_attrs=read-write``.
    A `Path` of a file that holds it, or a function that returns it, is read for each new connection: so a password that was
    rotated is found without a restart.
    ``listen``: a way to the server itself for those who wait for hints, if ``conninfo`` leads to a pooler. Without it they look
    again and again (`hints`).
    ``min_size``, ``max_size``: connections kept open, and at most, beside one for each consumer that waits. ``configure``: called with each new connection.
    ``decimals``: in documents, numbers with a point are Decimal, digit by digit what is stored, instead of float.

    Reads and appends are tried again when the server goes away, fails over, or gives up a transaction in favour of another. No
    event is appended twice: a command is recognised by its id, an append without a command by the ids of its events, which
    the client makes if there are none. With ``retries=NO_RETRIES`` nothing is tried twice.

    A context manager; otherwise call `open` and `close`.
    """

    def __init__(
        self,
        conninfo: AsyncConninfo,
        *,
        listen: AsyncConninfo | None = None,
        min_size: int = 1,
        max_size: int = 4,
        retries: Retries = DEFAULT,
        configure: AsyncConfigure | None = None,
        decimals: bool = False,
        **connection_options: Any,
    ) -> None:
        self.retries, self._decimals = retries, decimals
        self._connections = AsyncConnections(
            conninfo,
            listen=listen,
            min_size=min_size,
            max_size=max_size,
            configure=configure,
            options=connection_options,
        )

    async def open(self, *, wait: bool = True, timeout: float = 30.0) -> Self:
        """Connect; waits at most ``timeout`` seconds for the first connections. Raises `psycopg_pool.PoolTimeout`."""
        await self._connections.open(wait=wait, timeout=timeout)
        return self

    async def close(self) -> None:
        """Close all connections. The store cannot be opened again."""
        await self._connections.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def run(self, statement: Statement[T]) -> T:
        """Run one statement on a connection of the pool, again if that is safe and may help."""
        attempts = Attempts(self.retries)
        while True:
            try:
                async with self._connections.borrow(attempts.patience()) as connection:
                    return await AsyncSession(connection, decimals=self._decimals).run(statement)
            except psycopg.Error as error:
                pause = attempts.pause_after(error, repeatable=statement.repeatable)
                log.info("trying again in %.2f s: %s", pause, error)
            except errors.IN_THE_WAY:
                # What stands in the way may be what an attempt before this one has appended.
                if attempts.failures and statement.first_result:
                    first = await self.run(statement.first_result)
                    if first is not None:
                        return first
                raise
            await sleep(pause)

    @asynccontextmanager
    async def session(self, timeout: float | None = None) -> AsyncIterator[AsyncSession]:
        """A connection of the pool, in autocommit; waits at most ``timeout`` seconds for it.

        When it goes back, the user of `set_user` is forgotten. Whatever else was set for the session stays.
        """
        async with self._connections.lend(timeout) as connection:
            yield AsyncSession(connection, decimals=self._decimals)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction: committed at the end of the block, rolled back when it raises. Nothing is retried.

        For what belongs together: several appends, a command without events, rows of a table of the caller's own (by
        ``session.connection``). Keep it short: readers of the feed wait for its appends.
        """
        async with self.session() as session, session.connection.transaction():
            yield session

    async def repeat(self, work: AsyncWork[AsyncSession, T]) -> T:
        """Do ``work`` in a transaction, and all of it again when the connection is lost or the server gives the transaction up.

        An error of another database, which ``work`` may use beside it, is the caller's.
        Its second argument is whether a transaction before this one may have been committed, which only looking can tell: at
        a command, at a checkpoint.
        """
        attempts = Attempts(self.retries)
        may_be_done = False
        while True:
            session = None
            try:
                async with self.session(attempts.patience()) as session, session.connection.transaction():
                    return await work(session, may_be_done)
            except psycopg.Error as error:
                if session and not came_by(session.connection, error):
                    raise
                pause = attempts.pause_after(error, repeatable=True)
                may_be_done = may_be_done or connection_is_lost(error)
                log.info("trying again in %.2f s: %s", pause, error)
            await sleep(pause)

    async def listener(self) -> psycopg.AsyncConnection[Any]:
        """A connection of its own that hears when the feed grows; the caller closes it.

        Raises `PoolerError` if a pooler stands between, so that it would hear nothing.
        """
        return await self._connections.listen()

    @property
    def hints(self) -> Literal["listen", "poll"]:
        """How those who wait are told of something new: the server says so, or they look again and again.

        The latter is so behind a pooler, unless ``listen`` leads past it. It is known once the store is open.
        """
        return self._connections.hints()

    def _to_append(self, events: Sequence[NewEvent]) -> Sequence[NewEvent]:
        if self.retries.timeout <= 0:
            return events
        # So that a repeated attempt can tell whether the first one was committed.
        return [event if event.event_id else dataclasses.replace(event, event_id=new_event_id()) for event in events]
