"""A pool that knows why there is no connection, of connections that know their own errors."""

import weakref
from typing import Any, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from event_store.async_logins import AsyncLogin
from event_store.retries import more_about

T = TypeVar("T")


class AsyncOwnConnection(psycopg.AsyncConnection[Any]):
    """A connection that tells its own errors from those of other databases, which the caller may use beside it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._own_errors = weakref.WeakSet[psycopg.Error]()

    @classmethod
    async def connect(  # type: ignore[override]  # psycopg's own arguments are among the options
        cls, conninfo: str = "", *, login: AsyncLogin | None = None, **options: Any
    ) -> Self:
        """Connect as ``login`` says now; a pool says nothing else."""
        return await (login.connect(super().connect) if login else super().connect(conninfo, **options))

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


class AsyncOwnPool(AsyncConnectionPool[AsyncOwnConnection]):
    """A pool whose connections log in as ``login`` says."""

    def __init__(self, login: AsyncLogin, **options: Any) -> None:
        super().__init__(connection_class=AsyncOwnConnection, kwargs={"login": login}, **options)
        self._login = login

    async def wait(self, timeout: float = 30.0) -> None:
        """Do what psycopg_pool does, and say why if it was in vain."""
        try:
            await super().wait(timeout)
        except PoolTimeout as error:
            raise PoolTimeout(f"{error}: {self._refused()}" if self._login.failure else str(error)) from None

    async def getconn(self, timeout: float | None = None) -> AsyncOwnConnection:
        """Do what psycopg_pool does, and say why if it was in vain."""
        try:
            return await super().getconn(timeout)
        except PoolTimeout as error:
            raise PoolTimeout(f"{error}: {self._refused() if self._login.failure else self._exhausted()}") from None

    def _refused(self) -> str:
        failure = self._login.failure
        more = more_about(failure) if failure else ""
        return f"pool {self.name!r} cannot connect: {failure}{more and '. '}{more}"

    def _exhausted(self) -> str:
        return (
            f"pool {self.name!r} is exhausted: all of its max_size={self.max_size} connections are in use. Give them back sooner, "
            "or raise max_size"
        )
