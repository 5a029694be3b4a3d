"""Logging in: as whom and where is read anew for each connection, so that a changed password needs no restart."""

from collections.abc import Mapping
from typing import Any, TypeVar

import psycopg

from event_store.aio import AsyncConnect, AsyncConninfo, read_conninfo
from event_store.async_poolers import is_pooled
from event_store.conninfos import with_limits

C = TypeVar("C", bound=psycopg.AsyncConnection[Any])


class AsyncLogin:
    """A way in, as an application says it. ``options``: what it says beside the conninfo, for psycopg."""

    def __init__(self, conninfo: AsyncConninfo, options: Mapping[str, Any]) -> None:
        self._conninfo, self._options = conninfo, options
        #: Why the last attempt failed; None = it did not.
        self.failure: Exception | None = None
        #: Whether a pooler stood between the last time.
        self.pooled = False

    async def connect(self, connect: AsyncConnect[C]) -> C:
        """A new connection, which prepares nothing if a pooler stands between. ``connect``: of the class that it is to have."""
        try:
            connection = await self._logged_in(connect)
            try:
                self.pooled = await is_pooled(connection)
            except BaseException:
                await connection.close()
                raise
        except Exception as error:
            self.failure = error
            raise
        self.failure = None
        # What was asked for by name is refused when the connection is used: see `refuse_preparing`.
        if self.pooled and self._options.get("prepare_threshold") is None:
            connection.prepare_threshold = None
        return connection

    async def check(self) -> None:
        """Raise now what every attempt would fail with: there is no such file, or what it says is no conninfo."""
        with_limits(await read_conninfo(self._conninfo), self._options)

    async def _logged_in(self, connect: AsyncConnect[C]) -> C:
        said = await read_conninfo(self._conninfo)
        try:
            return await connect(said, **with_limits(said, self._options))
        except psycopg.OperationalError:
            # The password may have been retired since it was read. libpq gives no SQLSTATE here that would tell.
            again = await read_conninfo(self._conninfo)
            if again == said:
                raise
            return await connect(again, **with_limits(again, self._options))
