"""Statements that read events and snapshots, and the one that saves a snapshot. Each is named after its SQL function."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from event_store.events import Cursor, Loaded, Page, Snapshot, StoredEvent
from event_store.pages import PAGE_COUNT, page_of
from event_store.rows import CURSOR, EVENT, EVENT_OR_MARK, EVENT_OR_MARKER, EVENT_OR_SNAPSHOT, SNAPSHOT
from event_store.selections import QueryItem, Selection
from event_store.statements import Statement, ask, call, first, only


def events(function: str, **parameters: Any) -> Statement[list[StoredEvent]]:
    """Call a function that returns events; an argument that is None is left to the function's default."""
    return call(function, parameters, EVENT, list, optional=tuple(parameters))


def forward(cursor: Cursor) -> dict[str, Any]:
    """The cursor as arguments of a function that reads forward."""
    return {"after_transaction_id": str(cursor.transaction_id), "after_position": cursor.global_position}


def backward(cursor: Cursor | None) -> dict[str, Any]:
    """The cursor as arguments of a function that reads backward; None = from the end."""
    if cursor is None:
        return {}
    return {"before_transaction_id": str(cursor.transaction_id), "before_position": cursor.global_position}


def filters(event_types: Sequence[str] | None, aggregate_types: Sequence[str] | None) -> dict[str, Any]:
    """The types to read or to subscribe to as arguments; None = all."""
    return {
        "event_types": None if event_types is None else list(event_types),
        "aggregate_types": None if aggregate_types is None else list(aggregate_types),
    }


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
    optional = ("snapshot_version", "at_version", "at_time")
    return call("load_aggregate", parameters, EVENT_OR_SNAPSHOT, _loaded, optional=optional)


def page_of_aggregate(aggregate_type: str, aggregate_id: UUID, after: int, last: int) -> Statement[list[StoredEvent]]:
    """Read the events after a version, up to the version ``last``, as many as fit into a page."""
    parameters = {
        "aggregate_type": aggregate_type,
        "aggregate_id": aggregate_id,
        "after_version": after,
        "max_count": min(last - after, PAGE_COUNT),
    }
    return call("get_events_since", parameters, EVENT, list, rows_of=page_of)


def snapshot(function: str, **parameters: Any) -> Statement[Snapshot | None]:
    """Call a function that returns a snapshot or none; an argument that is None is left to the function's default."""
    return call(function, parameters, SNAPSHOT, first, optional=tuple(parameters))


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
    return ask("save_snapshot", parameters)


def read_feed(
    after: Cursor, max_count: int, event_types: Sequence[str] | None, aggregate_types: Sequence[str] | None
) -> Statement[Page]:
    """Read a page of the global feed."""
    parameters = {**forward(after), "max_count": max_count, **filters(event_types, aggregate_types)}
    optional = ("event_types", "aggregate_types")
    return call(
        "read_feed", parameters, EVENT_OR_MARK, lambda rows: read_page(rows, after), optional=optional, rows_of=page_of
    )


def scan_feed(
    after: Cursor,
    max_count: int,
    event_types: Sequence[str] | None,
    aggregate_types: Sequence[str] | None,
    *,
    partitions: int,
    partition: int,
) -> Statement[Page]:
    """Read what fits of a bounded stretch of the feed."""
    parameters = {
        **forward(after),
        "max_count": max_count,
        **filters(event_types, aggregate_types),
        "partitions": partitions,
        "partition": partition,
    }
    return call("scan_feed", parameters, EVENT_OR_MARK, lambda rows: read_page(rows, after), rows_of=page_of)


def read_events(query: Sequence[QueryItem], after: Cursor, max_count: int | None) -> Statement[Selection]:
    """Read what matches a query, for a decision."""
    parameters = {"query": Jsonb([item.document() for item in query]), **forward(after), "max_count": max_count}
    return call("read_events", parameters, EVENT_OR_MARKER, _selection, optional=("max_count",))


def feed_end() -> Statement[Cursor]:
    """Ask for the cursor of the last event that may be read."""
    return call("feed_end", {}, CURSOR, only)


def read_page(rows: Sequence[StoredEvent | Cursor], after: Cursor) -> Page:
    """The page after a cursor. Its last row may be no event, but say how far the server has looked."""
    if not rows:
        return Page([], after, advanced=False, after=after)
    last = rows[-1]
    found = [row for row in rows if isinstance(row, StoredEvent)]
    return Page(found, last.cursor if isinstance(last, StoredEvent) else last, advanced=True, after=after)


def _selection(rows: Sequence[StoredEvent | str]) -> Selection:
    return Selection([row for row in rows if isinstance(row, StoredEvent)], str(rows[0]))


def _loaded(rows: Sequence[StoredEvent | Snapshot]) -> Loaded:
    snapshot = rows[0] if rows and isinstance(rows[0], Snapshot) else None
    return Loaded(snapshot, [row for row in rows if isinstance(row, StoredEvent)])
