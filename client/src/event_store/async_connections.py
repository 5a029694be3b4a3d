"""The connections of a store: a pool that belongs to one process, notices a silent network, and hands no user on."""

import functools
import os
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from event_store.aio import AsyncConfigure
from event_store.errors import ForkedError
from event_store.retries import connection_is_lost, session_is_ended

T = TypeVar("T")

#: The server's hint that there is something new in the feed.
LISTEN: Final = "LISTEN event_store"
#: Where the caller says nothing else: a host that does not answer is given up after 5 s, so that the next one has its turn, and
#: a network that went silent is noticed after about 10 s. The system's own limits are a quarter of an hour and longer.
NOTICES_SILENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class AsyncOwnConnection(psycopg.AsyncConnection[Any]):
    """A connection that tells its own errors from those of other databases, which the caller may use beside it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._own_errors = weakref.WeakSet[psycopg.Error]()

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Do what psycopg does: it says itself that the connection is closed, and asks nobody."""
        try:
            return super().cursor(*arguments, **options)
        except psycopg.Error as error:
            self._own_errors.add(error)
            raise

    async def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        """Do what psycopg does: whatever is said to the server and heard from it passes here."""
        try:
            return await super().wait(gen, *arguments, **options)
        except psycopg.Error as error:
            self._own_errors.add(error)
            raise

    def raised(self, error: psycopg.Error) -> bool:
        """Whether the error is this connection's."""
        return error in self._own_errors


def came_by(connection: psycopg.AsyncConnection[Any], error: psycopg.Error) -> bool:
    """Whether the error came by this connection of a pool, and by no other one."""
    # The store's own errors stand before the driver's.
    errors = (error, error.__cause__)
    return isinstance(connection, AsyncOwnConnection) and any(
        isinstance(one, psycopg.Error) and connection.raised(one) for one in errors
    )


class AsyncConnections:
    """A pool of connections, in the process that has opened it."""

    def __init__(
        self,
        conninfo: str,
        *,
        min_size: int,
        max_size: int,
        configure: AsyncConfigure | None,
        options: dict[str, Any],
    ) -> None:
        said = {*conninfo_to_dict(conninfo), *options}
        if "PGCONNECT_TIMEOUT" in os.environ:
            said.add("connect_timeout")
        options = {"autocommit": True} | {k: v for k, v in NOTICES_SILENCE.items() if k not in said} | options
        # A transaction would keep the server's hints from the one who listens.
        self._connect = functools.partial(psycopg.AsyncConnection.connect, conninfo, **options | {"autocommit": True})
        self._pool = AsyncConnectionPool(
            conninfo,
            connection_class=AsyncOwnConnection,
            kwargs=options,
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
            await self._pool.open(wait=wait, timeout=timeout)
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
        """A connection outside of the pool that hears when the feed grows."""
        self._check_process()
        connection = await self._connect()
        try:
            await connection.execute(LISTEN)
        except BaseException:
            await connection.close()
            raise
        return connection

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
