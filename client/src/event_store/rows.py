"""What is asked of each row, and what it becomes: row factories on column names.

A row of the feed is an event, or a mark that only says how far the server has looked. A row of an aggregate is an event,
or the snapshot that comes before them.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from psycopg.rows import BaseRowFactory, RowMaker, args_row, kwargs_row, scalar_row

from event_store.events import Appended, Cursor, Snapshot, StoredEvent

R = TypeVar("R")


@dataclasses.dataclass(frozen=True, slots=True)
class RowShape(Generic[R]):
    """The columns to select, and the factory that makes a row of them."""

    columns: str
    factory: BaseRowFactory[R]


def fields_of(cls: type[Any]) -> list[str]:
    """The names of the fields of a dataclass or a named tuple."""
    return list(getattr(cls, "_fields", None) or [field.name for field in dataclasses.fields(cls)])


def fields_row(cls: type[R]) -> BaseRowFactory[R]:
    """An object for each row, whose columns are the fields of the class in their order.

    psycopg's `class_row` hands the names over with every row, and reading 5,000 events takes a fifth longer with it; here they
    are compared once for a result. Raises `TypeError` if they differ.
    """

    def of_result(cursor: Any) -> RowMaker[R]:
        names = [column.name for column in cursor.description or ()]
        if names and names != fields_of(cls):
            raise TypeError(f"{cls.__name__} has the fields {fields_of(cls)}, the result the columns {names}")
        return args_row(cls)(cursor)

    return of_result


def shape_of(cls: type[R], **expressions: str) -> RowShape[R]:
    """A row for each object; ``expressions``: columns that are not named like the field."""
    columns = (f"{expressions[name]} AS {name}" if name in expressions else name for name in fields_of(cls))
    return RowShape(", ".join(columns), fields_row(cls))


#: One value, of a function that returns one.
VALUE: Final[RowShape[Any]] = RowShape("*", scalar_row)
CURSOR: Final = shape_of(Cursor)
APPENDED: Final = shape_of(Appended)
EVENT: Final = shape_of(StoredEvent, data="event_data")
SNAPSHOT: Final = shape_of(Snapshot, data="snapshot_data")


def _event_or(other: Callable[..., R], missing: str) -> BaseRowFactory[StoredEvent | R]:
    """An event; or ``other``, called with the columns by name, if the column ``missing`` is NULL."""

    def of_result(cursor: Any) -> RowMaker[StoredEvent | R]:
        event_of, other_of = EVENT.factory(cursor), kwargs_row(other)(cursor)
        place = fields_of(StoredEvent).index(missing)

        def of_row(values: Sequence[Any]) -> StoredEvent | R:
            return other_of(values) if values[place] is None else event_of(values)

        return of_row

    return of_result


def _mark(*, transaction_id: int, global_position: int, **_: None) -> Cursor:
    return Cursor(transaction_id, global_position)


def _snapshot(**columns: Any) -> Snapshot:
    return Snapshot(
        aggregate_type=columns["aggregate_type"],
        aggregate_id=columns["aggregate_id"],
        aggregate_version=columns["event_version"],
        snapshot_version=columns["schema_version"],
        data=columns["data"],
        created_at=columns["created_at"],
    )


def _selected(cursor: Any) -> RowMaker[StoredEvent | str]:
    event_of = args_row(StoredEvent)(cursor)

    def of_row(values: Sequence[Any]) -> StoredEvent | str:
        *columns, marker = values
        return event_of(columns) if marker is None else str(marker)

    return of_row


EVENT_OR_MARK: Final = RowShape(EVENT.columns, _event_or(_mark, missing="event_id"))
#: The first row of a selection has nothing but the marker.
EVENT_OR_MARKER: Final = RowShape(f"{EVENT.columns}, marker", _selected)
EVENT_OR_SNAPSHOT: Final = RowShape(EVENT.columns, _event_or(_snapshot, missing="event_type"))
