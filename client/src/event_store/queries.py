"""Statements that read events and snapshots, and the one that saves a snapshot."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from event_store.events import START, Cursor, Loaded, Page, Snapshot, StoredEvent
from event_store.statements import Row, Statement, call, only_value

#: In the order of the fields of `StoredEvent`. A transaction id is of a type that the driver does not know.
EVENT_COLUMNS: Final = (
    "event_id, global_position, transaction_id::text::bigint, aggregate_type, aggregate_id, event_version, event_type, "
    "schema_version, event_data, metadata, actor, actor_type, source, causation_id, correlation_id, created_at, created_by"
)
#: In the order of the fields of `Snapshot`.
SNAPSHOT_COLUMNS: Final = "aggregate_type, aggregate_id, aggregate_version, snapshot_version, snapshot_data, created_at"


def events(function: str, **parameters: Any) -> Statement[list[StoredEvent]]:
    """Call a function that returns events; an argument that is None is left to the function's default."""
    query = call(function, parameters, EVENT_COLUMNS, optional=tuple(parameters))
    return Statement(query, parameters, read_events)


def forward(cursor: Cursor) -> dict[str, Any]:
    """The cursor as arguments of a function that reads forward."""
    return {"after_transaction_id": str(cursor.transaction_id), "after_position": cursor.global_position}


def backward(cursor: Cursor | None) -> dict[str, Any]:
    """The cursor as arguments of a function that reads backward; None = from the end."""
    if cursor is None:
        return {}
    return {"before_transaction_id": str(cursor.transaction_id), "before_position": cursor.global_position}


def load_aggregate(
    aggregate_type: str,
    aggregate_id: UUID,
    snapshot_version: int | None,
    at_version: int | None,
    at_time: datetime | None,
) -> Statement[Loaded]:
    """Read the latest snapshot and the events after it, from one snapshot of the database."""
    parameters = {
        "aggregate_type": aggregate_type,
        "aggregate_id": aggregate_id,
        "snapshot_version": snapshot_version,
        "at_version": at_version,
        "at_time": at_time,
    }
    query = call("load_aggregate", parameters, EVENT_COLUMNS, optional=("snapshot_version", "at_version", "at_time"))
    return Statement(query, parameters, _loaded)


def get_snapshot(
    aggregate_type: str, aggregate_id: UUID, at_version: int | None, snapshot_version: int | None
) -> Statement[Snapshot | None]:
    """Read the latest snapshot, or the latest one at or before a version."""
    parameters = {"aggregate_type": aggregate_type, "aggregate_id": aggregate_id, "snapshot_version": snapshot_version}
    function = "get_latest_snapshot"
    if at_version is not None:
        function = "get_snapshot_at"
        parameters["at_version"] = at_version
    query = call(function, parameters, SNAPSHOT_COLUMNS, optional=("snapshot_version",))
    return Statement(query, parameters, lambda rows: Snapshot(*rows[0]) if rows else None)


def save_snapshot(
    aggregate_type: str, aggregate_id: UUID, aggregate_version: int, data: Any, snapshot_version: int
) -> Statement[bool]:
    """Keep the state of an aggregate."""
    parameters = {
        "aggregate_type": aggregate_type,
        "aggregate_id": aggregate_id,
        "aggregate_version": aggregate_version,
        "snapshot_data": Jsonb(data),
        "snapshot_version": snapshot_version,
    }
    return Statement(call("save_snapshot", parameters), parameters, only_value)


def read_feed(
    after: Cursor, max_count: int, event_types: Sequence[str] | None, aggregate_types: Sequence[str] | None
) -> Statement[Page]:
    """Read a page of the global feed."""
    parameters = {
        "max_count": max_count,
        "event_types": None if event_types is None else list(event_types),
        "aggregate_types": None if aggregate_types is None else list(aggregate_types),
        **forward(after),
    }
    query = call("read_feed", parameters, EVENT_COLUMNS, optional=("event_types", "aggregate_types"))
    return Statement(query, parameters, lambda rows: read_page(rows, after))


def feed_end() -> Statement[Cursor]:
    """Ask for the cursor of the last event that may be read."""
    query = call("feed_end", {}, "transaction_id::text::bigint, global_position")
    return Statement(query, {}, lambda rows: Cursor(*rows[0]) if rows and rows[0][0] is not None else START)


def read_events(rows: Sequence[Row]) -> list[StoredEvent]:
    """Rows of `EVENT_COLUMNS` as events."""
    return [StoredEvent(*row) for row in rows]


def read_page(rows: Sequence[Row], after: Cursor) -> Page:
    """Rows of `EVENT_COLUMNS` as the page after a cursor."""
    stored = read_events(rows)
    if not stored:
        return Page([], after, advanced=False, after=after)
    cursor = stored[-1].cursor
    # The last row may be no event, only say how far the server has looked.
    return Page(stored if stored[-1].event_id else stored[:-1], cursor, advanced=True, after=after)


def _loaded(rows: Sequence[Row]) -> Loaded:
    stored = read_events(rows)
    if not stored or stored[0].event_type:
        return Loaded(None, stored)
    # The function gives a snapshot in the shape of an event that has no type.
    first = stored[0]
    snapshot = Snapshot(
        first.aggregate_type,
        first.aggregate_id,
        first.event_version,
        first.schema_version,
        first.data,
        first.created_at,
    )
    return Loaded(snapshot, stored[1:])
