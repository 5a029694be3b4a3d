"""What the client says to the server: a query, its parameters, and what to make of the rows. No connections in here.

The two halves of the client, for threads and for asyncio, run what is built here and in `writes`, `queries` and `leases`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from psycopg.rows import BaseRowFactory

from event_store.rows import VALUE, RowShape

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """One query.

    ``row_factory``: makes the rows that ``read`` makes the answer of. ``repeatable``: running it twice is the same as once, also
    when nobody knows whether the first one ran. ``first_result``: asks for the result of a first run whose answer was lost;
    None = there was none.
    """

    query: bytes
    parameters: Mapping[str, Any]
    row_factory: BaseRowFactory[Any]
    read: Callable[[Sequence[Any]], T]
    repeatable: bool = True
    first_result: "Statement[T | None] | None" = None


def query_of(
    function: str,
    parameters: Mapping[str, Any],
    columns: str,
    optional: Sequence[str] = (),
    rows_of: Callable[[str], str] = str,
) -> bytes:
    """The query that calls a function with these parameters, by name; of the schema ``event_store`` if no other is named.

    ``optional``: left out if they are None, so that the function's own default holds. ``rows_of``: which of the function's rows.
    """
    arguments = ", ".join(
        f"{name} => %({name})s" for name, value in parameters.items() if value is not None or name not in optional
    )
    qualified = function if "." in function else f"event_store.{function}"
    return f"SELECT {columns} FROM {rows_of(f'{qualified}({arguments})')}".encode()


def call(
    function: str,
    parameters: Mapping[str, Any],
    shape: RowShape[R],
    read: Callable[[Sequence[R]], T],
    *,
    optional: Sequence[str] = (),
    repeatable: bool = True,
    rows_of: Callable[[str], str] = str,
) -> Statement[T]:
    """Call a function of the store. Raises `ValueError` for a time without a time zone."""
    for name, value in parameters.items():
        # The server would read it in the time zone of the session, which the client's environment decides.
        if isinstance(value, date) and not (isinstance(value, datetime) and value.utcoffset() is not None):
            raise ValueError(f"{name} has no time zone: {value!r}; for example datetime.now(UTC) has one")
    query = query_of(function, parameters, shape.columns, optional, rows_of)
    return Statement(query, parameters, shape.factory, read, repeatable)


def ask(function: str, parameters: Mapping[str, Any]) -> Statement[T]:
    """Call a function of the store that returns one value; of which type, the caller knows."""
    return call(function, parameters, VALUE, only)


def only(rows: Sequence[R]) -> R:
    """The one row that there is in any case."""
    return rows[0]


def first(rows: Sequence[R]) -> R | None:
    """The one row, if there is one."""
    return rows[0] if rows else None


def nothing(rows: Sequence[Any]) -> None:
    """The answer of a function that returns nothing worth telling."""
    del rows
