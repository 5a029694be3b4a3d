"""A pooler between client and server, which hands a server's session to another client after each transaction.

Whatever a session remembers is not there any more in the next transaction, or is there for somebody else. PgBouncer before 1.21
does not even know prepared statements: a client that prepares gets the rows of another one, without an error.
"""

import weakref
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import scalar_row

from event_store.errors import PoolerError

# Asked once for each connection: what stands between does not change.
_POOLED: Final = weakref.WeakKeyDictionary[psycopg.AsyncConnection[Any], bool]()


async def is_pooled(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Whether a pooler stands between: the process that the login was answered with is not the one that runs statements."""
    known = _POOLED.get(connection)
    if known is None:
        idle = connection.info.transaction_status == TransactionStatus.IDLE
        async with connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute("SELECT pg_backend_pid()", prepare=False)
            known = _POOLED[connection] = await cursor.fetchone() != connection.info.backend_pid
        if idle and not connection.autocommit:
            await connection.rollback()
    return known


async def refuse_preparing(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise `PoolerError` if statements would be prepared behind a pooler."""
    if connection.prepare_threshold is None or connection.info.transaction_status == TransactionStatus.INERROR:
        return
    if await is_pooled(connection):
        raise PoolerError(
            f"a pooler stands between, and prepare_threshold={connection.prepare_threshold}: with prepared statements clients can "
            "get each other's rows. Leave prepare_threshold out, or set it to None on a connection of your own"
        )
