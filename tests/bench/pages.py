"""Reading a feed to its end, page by page, with the least that a client can do: libpq's rows, not decoded."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from .stores import Store


class FeedError(Exception):
    """What the server said instead of rows."""


def pages(store: Store, connection: "psycopg.Connection[Any]", size: int) -> Iterator[int]:
    """How many events each page has, until there are no more."""
    connection.pgconn.prepare(b"feed", store.feed.encode())
    cursor = [value.encode() for value in store.start]
    while True:
        result = connection.pgconn.exec_prepared(b"feed", [*cursor, str(size).encode()])
        if result.status != ExecStatus.TUPLES_OK:
            raise FeedError(result.error_message.decode())
        if not result.ntuples:
            break
        yield result.ntuples
        numbers = {result.fname(number): number for number in range(result.nfields)}
        last = [result.get_value(result.ntuples - 1, numbers[name.encode()]) for name in store.cursor]
        cursor = [value or b"" for value in last]
