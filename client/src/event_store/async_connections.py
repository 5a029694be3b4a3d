"""The connections of a store: a pool that belongs to one process, notices a silent network, and hands no user on."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from event_store.aio import AsyncConfigure, AsyncConninfo
from event_store.async_logins import AsyncLogin
from event_store.async_poolers import is_pooled, refuse_preparing
from event_store.async_pools import AsyncOwnConnection, AsyncOwnPool
from event_store.errors import ForkedError, PoolerError
from event_store.retries import connection_is_lost, session_is_ended

#: The server's hint that there is something new in the feed.
LISTEN: Final = "LISTEN event_store"


class AsyncConnections:
    """A pool of connections, in the process that has opened it."""

    def __init__(
        self,
        conninfo: AsyncConninfo,
        *,
        listen: AsyncConninfo | None,
        min_size: int,
        max_size: int,
        configure: AsyncConfigure | None,
        options: dict[str, Any],
    ) -> None:
        options = {"autocommit": True} | options
        self._login = AsyncLogin(conninfo, options)
        # A transaction would keep the server's hints from the one who listens.
        self._listening = AsyncLogin(conninfo if listen is None else listen, options | {"autocommit": True})
        self._listens_elsewhere, self._deaf = listen is not None, False
        self._pool = AsyncOwnPool(
            self._login,
            min_size=min_size,
            max_size=max_size,
            configure=configure,
            # The pool pauses longer and longer between its own attempts: the sooner it gives up, the sooner it begins anew.
            reconnect_timeout=3.0,
            reconnect_failed=self._connect_on,
            open=False,
        )
        self._opening = False
        self._drained_at = 0.0
        self._process: int | None = None

    async def open(self, *, wait: bool, timeout: float) -> None:
        """Connect."""
        self._check_process()
        self._process = os.getpid()
        self._opening = wait
        try:
            if wait:
                await self._login.check()
            await self._pool.open(wait=wait, timeout=timeout)
            if wait and self._pool.min_size:
                async with self.borrow(timeout):
                    pass  # What is refused is refused here, and not in the middle of something.
        finally:
            self._opening = False

    async def close(self) -> None:
        """Close all; those of the parent process stay as they are."""
        if self._process in {None, os.getpid()}:
            await self._pool.close()

    @asynccontextmanager
    async def borrow(self, timeout: float | None) -> AsyncIterator[AsyncOwnConnection]:
        """A connection of the pool, for statements that leave nothing behind."""
        self._check_process()
        async with self._pool.connection(timeout) as connection:
            taken_at = time.monotonic()
            try:
                await refuse_preparing(connection)
                yield connection
            except psycopg.Error as error:
                if connection.closed or (connection.raised(error) and connection_is_lost(error)):
                    await connection.close()
                    if not session_is_ended(error):
                        await self._drain(taken_at)
                raise

    @asynccontextmanager
    async def lend(self, timeout: float | None) -> AsyncIterator[AsyncOwnConnection]:
        """A connection of the pool, for whatever the caller says; the next caller does not see the rows of this one's user."""
        async with self.borrow(timeout) as connection:
            try:
                yield connection
            except BaseException:
                # What the pool is about to roll back might bring the user back.
                if connection.info.transaction_status != TransactionStatus.IDLE:
                    await connection.close()
                raise
            finally:
                if not connection.closed:
                    await _forget_user(connection)

    async def listen(self) -> psycopg.AsyncConnection[Any]:
        """A connection outside of the pool that hears when the feed grows. Raises `PoolerError` where it would hear nothing."""
        self._check_process()
        connection: psycopg.AsyncConnection[Any] = await self._listening.connect(psycopg.AsyncConnection.connect)
        try:
            if await is_pooled(connection):
                self._deaf = True
                raise PoolerError(
                    "a pooler stands between, behind which LISTEN hears nothing: name a way to the server itself as well, "
                    "EventStore(…, listen=…), or be content with looking again and again"
                )
            await connection.execute(LISTEN)
        except BaseException:
            await connection.close()
            raise
        return connection

    def hints(self) -> Literal["listen", "poll"]:
        """How those who wait are told, as far as is known."""
        return "poll" if self._deaf or (self._login.pooled and not self._listens_elsewhere) else "listen"

    def _check_process(self) -> None:
        if self._process not in {None, os.getpid()}:
            raise ForkedError(
                f"process {self._process} has opened this store, and process {os.getpid()} is its fork: both would speak on the "
                "same connections. Open a store of its own in each process, after the fork: in post_fork of gunicorn, at "
                "worker_process_init of Celery."
            )

    async def _connect_on(self, pool: AsyncConnectionPool[Any]) -> None:
        """Begin anew for those who wait: a pool that has given up connecting does so with the next request only."""
        if self._opening or pool.get_stats().get("requests_waiting"):
            await pool.check()

    async def _drain(self, taken_at: float) -> None:
        """After a lost connection: all of the same age lead to the same place. Not again for one that is older than that."""
        if taken_at > self._drained_at:
            self._drained_at = time.monotonic()
            await self._pool.drain()


async def _forget_user(connection: AsyncOwnConnection) -> None:
    try:
        await connection.execute("RESET event_store.user_id")
    except psycopg.Error:
        await connection.close()
    except BaseException:
        # Cancelled: nobody knows whether the user is forgotten.
        await connection.close()
        raise
