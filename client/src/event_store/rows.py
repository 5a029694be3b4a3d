"""What is asked of each row, and what it becomes: columns by name, and psycopg's row factories.

A row of the feed is an event, or a mark that only says how far the server has looked. A row of an aggregate is an event,
or the snapshot that comes before them.
"""

import dataclasses
from typing import Any, Final, Generic, TypeVar

from psycopg.rows import BaseRowFactory, class_row, kwargs_row, scalar_row

from event_store.events import Appended, Cursor, Snapshot, StoredEvent

R = TypeVar("R")


@dataclasses.dataclass(frozen=True, slots=True)
class RowShape(Generic[R]):
    """The columns to select, and the factory that makes a row of them."""

    columns: str
    factory: BaseRowFactory[R]


def columns_of(cls: type[Any], **expressions: str) -> str:
    """The fields of a dataclass or a named tuple as columns of the same name; ``expressions``: those that differ."""
    names = getattr(cls, "_fields", None) or [field.name for field in dataclasses.fields(cls)]
    return ", ".join(f"{expressions[name]} AS {name}" if name in expressions else name for name in names)


def shape_of(cls: type[R]) -> RowShape[R]:
    """A row for each object of a class whose fields are named like the columns."""
    return RowShape(columns_of(cls), class_row(cls))


def event_or_mark(**columns: Any) -> StoredEvent | Cursor:
    """A row of the feed: what has no event id is a mark."""
    if columns["event_id"] is None:
        return Cursor(columns["transaction_id"], columns["global_position"])
    return StoredEvent(**columns)


def _event_or_snapshot(**columns: Any) -> StoredEvent | Snapshot:
    if columns["event_type"] is not None:
        return StoredEvent(**columns)
    return Snapshot(
        aggregate_type=columns["aggregate_type"],
        aggregate_id=columns["aggregate_id"],
        aggregate_version=columns["event_version"],
        snapshot_version=columns["schema_version"],
        data=columns["data"],
        created_at=columns["created_at"],
    )


_EVENT_COLUMNS: Final = columns_of(StoredEvent, data="event_data")

#: One value, of a function that returns one.
VALUE: Final[RowShape[Any]] = RowShape("*", scalar_row)
CURSOR: Final = shape_of(Cursor)
APPENDED: Final = shape_of(Appended)
EVENT: Final = RowShape(_EVENT_COLUMNS, class_row(StoredEvent))
EVENT_OR_MARK: Final[RowShape[StoredEvent | Cursor]] = RowShape(_EVENT_COLUMNS, kwargs_row(event_or_mark))
EVENT_OR_SNAPSHOT: Final[RowShape[StoredEvent | Snapshot]] = RowShape(_EVENT_COLUMNS, kwargs_row(_event_or_snapshot))
SNAPSHOT: Final = RowShape(columns_of(Snapshot, data="snapshot_data"), class_row(Snapshot))
