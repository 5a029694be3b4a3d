"""The store's operations on one connection."""

from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.types.numeric import IntLoader

from event_store import documents, errors, malformed
from event_store.async_operations import AsyncOperations
from event_store.async_poolers import is_pooled, refuse_preparing
from event_store.rows import VALUE
from event_store.statements import Statement, ask, call, nothing

T = TypeVar("T")


class AsyncSession(AsyncOperations):
    """The store's operations on one connection, in whatever transaction it is in. Nothing is tried twice.

    ``decimals``: in documents, numbers with a point are Decimal instead of float.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any], *, decimals: bool = False) -> None:
        self.connection, self._decimals = connection, decimals

    async def run(self, statement: Statement[T]) -> T:
        """Run one statement and return its answer."""
        try:
            await refuse_preparing(self.connection)
            async with self.connection.cursor(row_factory=statement.row_factory) as cursor:
                # For this cursor only: the connection may be one of the application's own.
                cursor.adapters.register_loader("xid8", IntLoader)
                documents.read_exactly(cursor.adapters, decimals=self._decimals)
                try:
                    await cursor.execute(statement.query, statement.parameters)
                except TypeError:
                    # Nothing was sent: psycopg could not write the parameters. Few have decimals, or mappings that are no dict, so only these
                    # pay for it.
                    if not documents.write_further_types(cursor.adapters):
                        raise
                    await cursor.execute(statement.query, statement.parameters)
                try:
                    rows = await cursor.fetchall()
                except (ValueError, RecursionError) as error:
                    if unreadable := documents.unreadable(cursor.adapters, cursor.pgresult):
                        raise unreadable from error
                    raise
                return statement.read(rows)
        except psycopg.Error as error:
            if own := errors.from_database(error) or malformed.in_parameters(statement.parameters, error):
                raise own from error
            raise
        except (errors.UnreadableEventError, errors.UnreadableSnapshotError):
            raise
        except (TypeError, ValueError, RecursionError) as error:
            # Not the server's: the parameters could not even be written down.
            if own := malformed.in_parameters(statement.parameters, error):
                raise own from error
            raise

    async def set_user(self, user_id: UUID | None, *, for_session: bool = False) -> None:
        """Say whose rows of the read models are visible from here to the end of the transaction; None = nobody's.

        Outside of a transaction it is over with the call. ``for_session``: until the session goes back to its store; on a
        connection of the caller's own, for as long as that lasts. Raises `PooledSessionError` behind a pooler, which would hand
        the user on to somebody else.
        """
        if for_session and await is_pooled(self.connection):
            raise errors.PooledSessionError(
                "the user cannot be set for a session behind a pooler",
                "The pooler gives this session of the server to another client after each transaction.",
                "Set the user in each transaction, without for_session.",
            )
        await self.run(call("set_user", {"user_id": user_id, "for_session": for_session}, VALUE, nothing))

    async def current_user_id(self) -> UUID | None:
        """The user whose rows are visible; None = nobody's."""
        return await self.run(ask("current_user_id", {}))
